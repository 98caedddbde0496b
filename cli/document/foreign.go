package document

// Foreign is a value of a type that JSON lacks and Python has, which YAML can hold: a date, bytes, a set. No parameter
// takes one, so all that is left to do with it is to name it in an error.
type Foreign struct {
	Class string // datetime.date, as in <class 'datetime.date'>
	Repr  string // datetime.date(2024, 1, 31)
	Text  string // as str() has it: 2024-01-31
}
