package telemetry

import (
	"encoding/binary"
	"slices"
	"strings"
)

// message is a protobuf message in the making. OTLP needs these few kinds of fields; google.golang.org/protobuf costs
// 1.7 MB and a part of a millisecond at the start of every command.
type message []byte

// The wire types of protobuf.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

func (m message) tag(field, wire uint64) message { return binary.AppendUvarint(m, field<<3|wire) }

func (m message) number(field, n uint64) message {
	return binary.AppendUvarint(m.tag(field, wireVarint), n)
}

func (m message) fixed64(field, n uint64) message {
	return binary.LittleEndian.AppendUint64(m.tag(field, wireFixed64), n)
}

func (m message) fixed32(field uint64, n uint32) message {
	return binary.LittleEndian.AppendUint32(m.tag(field, wireFixed32), n)
}

func (m message) bytes(field uint64, data []byte) message {
	return append(binary.AppendUvarint(m.tag(field, wireBytes), uint64(len(data))), data...)
}

// text leaves out what is empty: it is the same to whoever reads it. Strings of protobuf are UTF-8.
func (m message) text(field uint64, s string) message {
	if s == "" {
		return m
	}
	s = strings.ToValidUTF8(s, "\ufffd")
	return append(binary.AppendUvarint(m.tag(field, wireBytes), uint64(len(s))), s...)
}

// nested adds a message, which fill fills.
func (m message) nested(field uint64, fill func(message) message) message {
	m = m.tag(field, wireBytes)
	at := len(m)
	m = fill(m)
	var size [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(size[:], uint64(len(m)-at))
	return slices.Insert(m, at, size[:n]...)
}

// The numbers of the fields that hold the attributes of a span and of a resource.
const (
	spanAttributes     = 9
	resourceAttributes = 1
)

// attribute adds an attribute to a span, unless it is empty.
func (m message) attribute(key, value string) message {
	if value == "" {
		return m
	}
	return m.keyValue(spanAttributes, key, value)
}

// keyValue adds an opentelemetry.proto.common.v1.KeyValue.
func (m message) keyValue(field uint64, key, value string) message {
	return m.nested(field, func(m message) message {
		return m.text(1, key).nested(2, func(m message) message { return m.text(1, value) })
	})
}

// attributeInt adds an attribute to a span, unless it is zero.
func (m message) attributeInt(key string, n int64) message {
	if n == 0 {
		return m
	}
	return m.nested(spanAttributes, func(m message) message {
		return m.text(1, key).nested(2, func(m message) message { return m.number(3, uint64(n)) })
	})
}

// field is one of a message that was received.
type field struct {
	number uint64
	value  uint64 // of a varint
	data   []byte // of bytes, strings and messages
}

// fields takes a message apart as far as it is well formed.
func fields(data []byte) (list []field) {
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		if n <= 0 {
			return list
		}
		data = data[n:]
		f := field{number: tag >> 3}
		switch tag & 7 {
		case wireVarint:
			if f.value, n = binary.Uvarint(data); n <= 0 {
				return list
			}
			data = data[n:]
		case wireBytes:
			size, n := binary.Uvarint(data)
			if n <= 0 || size > uint64(len(data)-n) {
				return list
			}
			f.data, data = data[n:n+int(size)], data[n+int(size):]
		default:
			return list
		}
		list = append(list, f)
	}
	return list
}
