package store

import (
	"io/fs"
	"strconv"
	"strings"
)

// Newest is the newest version of the database's schema that this program knows: the number of its last migration.
func Newest() int64 {
	names, _ := fs.Glob(migrations, "migrations/*.sql") // the pattern is good
	var newest int64
	for _, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			newest = max(newest, n)
		}
	}
	return newest
}
