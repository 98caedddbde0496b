package param

import (
	"cmp"
	"encoding/binary"
	"os"
	"path"
	"strings"
	"sync"
	"time"
)

// machineZone is the zone of the machine.
func machineZone() *time.Location { return cmp.Or(ruledZone(), time.Local) }

// ruledZone is the zone that the environment describes by a rule, nil where it names one.
var ruledZone = sync.OnceValue(func() *time.Location { return Zone(os.Getenv("TZ")) })

// Zone is the zone of a TZ that holds a rule, as POSIX has it: CET-1CEST,M3.5.0,M10.5.0/3 or <+0330>-3:30. It is nil where
// there is none and where TZ names a zone, which time.Local is by itself. What is neither means UTC.
func Zone(tz string) *time.Location {
	tz = strings.TrimPrefix(tz, ":")
	if tz == "" || path.IsAbs(tz) {
		return nil
	}
	if _, err := time.LoadLocation(tz); err == nil {
		return nil
	}
	location, err := time.LoadLocationFromTZData(tz, ruleOnly(tz))
	if err != nil {
		return time.UTC
	}
	return location
}

// ruleOnly is a file of the form of the zone database (RFC 9636) that knows no change of the past, only the rule in its
// last line: package time reads such rules there and nowhere else.
func ruleOnly(rule string) []byte {
	header := func(types, characters uint32) []byte {
		h := append([]byte("TZif2"), make([]byte, 15+4*4)...) // no indicators, leap seconds or changes
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(h, types), characters)
	}
	utc := []byte{0, 0, 0, 0, 0, 0, 0} // an offset, no summer time, the place of its name; and the name's end
	file := append(header(0, 0), header(1, 1)...)
	return append(append(file, utc...), "\n"+rule+"\n"...)
}
