package document

// Foreign is a value of a type that JSON lacks and Python has: a date, bytes, a set, which YAML can hold, and a moment of
// time in the sample of an output. No parameter takes one but for a moment; all else is named in an error.
type Foreign struct {
	Class string // datetime.date, as in <class 'datetime.date'>
	Repr  string // datetime.date(2024, 1, 31)
	Text  string // as str() has it: 2024-01-31
	JSON  string // what stands for it in JSON, where that is not Text
}
