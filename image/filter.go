package image

import (
	"archive/tar"
	"errors"
	"io"
	"path"
	"strings"

	archive "github.com/moby/go-archive"
)

// maxEntries bounds the inodes that one layer can take. The largest images of the field hold some hundred thousand files.
const maxEntries = 1_000_000

// maxNames bounds the names that a filter holds, in bytes.
const maxNames = 64 << 20

// filter rewrites a layer's tar stream on its way to the unpacker. It spends the budget before a byte is written, and
// leaves out what has no place in a layer: device nodes, which would give a container's files a way to this machine's
// disks; extended attributes that overlayfs would take for its own or that grant trust; bookkeeping of long-gone AUFS.
// Nothing is held in memory but the names of the layer's whiteouts and directories.
type filter struct {
	budget    *budget
	raw       io.Reader // the whole layer, read to its end
	content   int64     // bytes of files let through
	entries   int
	names     int // bytes of those that are held
	whiteouts map[string]bool
	dirs      map[string]bool // false are those that have no entry of their own
}

// copyTo writes the stream that may be unpacked to w.
func (f *filter) copyTo(w io.Writer) error {
	f.whiteouts, f.dirs = map[string]bool{}, map[string]bool{}
	tr, tw := tar.NewReader(f.raw), tar.NewWriter(w)
	for {
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := f.entry(hdr, tr, tw); err != nil {
			return err
		}
	}
	// What follows the tar's end mark is part of the digest.
	if _, err := io.Copy(io.Discard, f.raw); err != nil {
		return err
	}
	return tw.Close()
}

func (f *filter) entry(hdr *tar.Header, body io.Reader, tw *tar.Writer) error {
	if err := f.count(); err != nil {
		return err
	}
	name := path.Clean(strings.TrimLeft(hdr.Name, "/"))
	keep, err := normalise(hdr)
	if err != nil || !keep || isAUFS(name) {
		return err
	}
	if err := f.budget.spend(hdr.Size); err != nil {
		return err
	}
	f.content += hdr.Size
	if err := f.noteDirs(name, hdr.Typeflag == tar.TypeDir); err != nil {
		return err
	}
	return f.write(hdr, name, body, tw)
}

func (f *filter) count() error {
	if f.entries++; f.entries > maxEntries {
		return tooLarge("number of files in a layer", maxEntries, "files")
	}
	return nil
}

// hold allows for a name that is to be kept.
func (f *filter) hold(name string) error {
	if f.names += len(name); f.names > maxNames {
		return tooLarge("length of the names in a layer", maxNames, "bytes")
	}
	return nil
}

// noteDirs notes the directories that an entry makes: itself, and those on the way to it that have not come before. Who is
// noted, so are its parents.
func (f *filter) noteDirs(name string, isDir bool) error {
	if isDir {
		if err := f.hold(name); err != nil {
			return err
		}
		f.dirs[name] = true
	}
	for at := path.Dir(name); at != "."; at = path.Dir(at) {
		if _, known := f.dirs[at]; known {
			return nil
		}
		if err := errors.Join(f.count(), f.hold(at)); err != nil {
			return err
		}
		f.dirs[at] = false
	}
	return nil
}

// write passes an entry on. Whiteouts speak of the layers below only: where a directory follows its own whiteout, the
// unpacker would put the directory in the whiteout's place and what is below would shine through, so that the directory
// is marked opaque.
func (f *filter) write(hdr *tar.Header, name string, body io.Reader, tw *tar.Writer) error {
	dir, base := path.Split(name)
	if hidden, ok := strings.CutPrefix(base, archive.WhiteoutPrefix); ok && base != archive.WhiteoutOpaqueDir {
		if err := f.hold(dir + hidden); err != nil {
			return err
		}
		f.whiteouts[dir+hidden] = true
		hdr.Typeflag, hdr.Linkname = tar.TypeReg, ""
	}
	if err := f.reopen(path.Clean(dir), tw); err != nil {
		return err
	}
	if err := tw.WriteHeader(hdr); err != nil {
		return err
	}
	if _, err := io.Copy(tw, body); err != nil {
		return err
	}
	if hdr.Typeflag != tar.TypeDir {
		return nil
	}
	return f.opaque(name, tw)
}

// reopen makes an opaque directory of dir if it is whited out and an entry inside it follows.
func (f *filter) reopen(dir string, tw *tar.Writer) error {
	for at := dir; at != "." && at != "/"; at = path.Dir(at) {
		if !f.whiteouts[at] {
			continue
		}
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: at + "/", Mode: 0o755, Format: tar.FormatPAX}); err != nil {
			return err
		}
		if err := f.opaque(at, tw); err != nil {
			return err
		}
	}
	return nil
}

func (f *filter) opaque(dir string, tw *tar.Writer) error {
	if !f.whiteouts[dir] {
		return nil
	}
	delete(f.whiteouts, dir)
	return tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path.Join(dir, archive.WhiteoutOpaqueDir), Mode: 0o600, Format: tar.FormatPAX})
}

// isAUFS reports names that only the AUFS driver of old gave a meaning.
func isAUFS(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, archive.WhiteoutMetaPrefix) && part != archive.WhiteoutOpaqueDir {
			return true
		}
	}
	return false
}

// normalise brings a header to the form that the unpacker understands, and says whether the entry is kept at all.
func normalise(hdr *tar.Header) (keep bool, err error) {
	switch hdr.Typeflag {
	case tar.TypeXGlobalHeader, tar.TypeChar, tar.TypeBlock:
		return false, nil
	case tar.TypeGNUSparse, tar.TypeCont:
		hdr.Typeflag = tar.TypeReg // the reader has filled the holes
	case tar.TypeReg, tar.TypeDir, tar.TypeLink, tar.TypeSymlink, tar.TypeFifo:
	default:
		return false, invalid("a layer holds an entry of unknown type %q", hdr.Typeflag)
	}
	if hdr.Uid < 0 || hdr.Gid < 0 {
		return false, invalid("a layer holds a file with a negative owner")
	}
	hdr.Format = tar.FormatPAX
	hdr.Mode &= 0o7777
	hdr.PAXRecords = keptXattrs(hdr.PAXRecords)
	//lint:ignore SA1019 the reader fills this deprecated field too, and the writer would bring it back
	clear(hdr.Xattrs)
	return true, nil
}

const paxXattr = "SCHILY.xattr."

// keptXattrs leaves out what isKeptXattr does not name.
func keptXattrs(records map[string]string) map[string]string {
	kept := map[string]string{}
	for key, value := range records {
		attr, ok := strings.CutPrefix(key, paxXattr)
		if !ok {
			continue
		}
		if isKeptXattr(attr) {
			kept[key] = value
		}
	}
	return kept
}
