// Package spelling measures how much two words are alike, for errors that name what somebody may have meant. Which words are
// offered, and how many, is up to whoever has the list: cli/verb for services, build/recipe for keys and runtimes, build/source
// for branches. It must never decide anything: what is misspelt stays an error.
package spelling

// longest is how much of a word counts: nobody is helped with a longer one, and what strangers send must not cost time.
const longest = 64

// Distance is how many bytes have to be changed, added, taken away or swapped with their neighbour to make a into b: the
// optimal string alignment distance, row by row, over the beginnings of long words.
func Distance(a, b string) int {
	a, b = a[:min(len(a), longest)], b[:min(len(b), longest)]
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			change := row[j]
			if a[i] != b[j] {
				change++
			}
			next[j+1] = min(change, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
