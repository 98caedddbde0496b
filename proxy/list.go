package proxy

// link is a flight's place in a list. A flight has one for each list it can be in, so that entering and leaving one
// allocates nothing and needs no search.
type link struct {
	flight     *flight
	prev, next *link
}

// list is a list of flights. The lock of their service guards it.
type list struct {
	front, back *link
	n           int
}

// insert puts x behind at, or in front when at is nil.
func (l *list) insert(at, x *link) {
	x.prev = at
	if at == nil {
		x.next, l.front = l.front, x
	} else {
		x.next, at.next = at.next, x
	}
	if x.next == nil {
		l.back = x
	} else {
		x.next.prev = x
	}
	l.n++
}

func (l *list) push(x *link) { l.insert(l.back, x) }

func (l *list) remove(x *link) {
	if x.prev == nil {
		l.front = x.next
	} else {
		x.prev.next = x.next
	}
	if x.next == nil {
		l.back = x.prev
	} else {
		x.next.prev = x.prev
	}
	x.prev, x.next = nil, nil
	l.n--
}
