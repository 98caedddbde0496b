package verb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"apron/cli/archive"
	"apron/cli/worktree"
)

// source is what `apron up` deploys.
type source struct {
	name    string         // the image's, or the path of its archive or working tree
	archive *archive.Image // nil for an image that lies in a registry, and for a working tree
	tree    *worktree.Tree // nil for images
}

// sourceAt tells a path from an image's name: it begins with . or /, or leads to an archive or a directory with an
// apprunner.yaml. A directory that holds no image is a working tree; with asTree it is one whatever it holds.
func sourceAt(arg string, asTree bool) (source, error) {
	if !isPath(arg) {
		return source{name: arg}, nil
	}
	info, err := os.Stat(arg)
	if err != nil {
		return source{}, err
	}
	if !info.IsDir() {
		image, err := archive.Open(arg)
		return source{name: arg, archive: image}, err
	}
	if _, err := os.Stat(filepath.Join(arg, configFile)); asTree || err == nil {
		return treeAt(arg)
	}
	image, err := archive.Open(arg)
	if errors.Is(err, archive.ErrNoImage) {
		return onlyArchive(arg)
	}
	return source{name: arg, archive: image}, err
}

func treeAt(dir string) (source, error) {
	tree, err := worktree.Open(dir)
	if err != nil {
		return source{}, err
	}
	return source{name: tree.Dir, tree: tree}, nil
}

func isPath(arg string) bool {
	if strings.HasPrefix(arg, ".") || filepath.IsAbs(arg) {
		return true
	}
	if _, err := os.Stat(filepath.Join(arg, configFile)); err == nil {
		return true
	}
	_, err := os.Stat(arg)
	return err == nil && (strings.HasSuffix(arg, ".tar") || strings.HasSuffix(arg, ".tar.gz") || strings.HasSuffix(arg, ".tgz"))
}

// onlyArchive is the one archive that lies in the directory, which is a working tree if there is none.
func onlyArchive(dir string) (source, error) {
	var found []string
	for _, pattern := range []string{"*.tar", "*.tar.gz", "*.tgz"} {
		matches, _ := filepath.Glob(filepath.Join(dir, pattern)) // the patterns are well formed
		found = append(found, matches...)
	}
	switch len(found) {
	case 0:
		return treeAt(dir)
	case 1:
		image, err := archive.Open(found[0])
		return source{name: found[0], archive: image}, err
	}
	return source{}, fmt.Errorf("%s holds several archives; name the one that is meant, or give --start to build the directory: %s", shown(dir), strings.Join(found, ", "))
}

// shown is a directory as people call it.
func shown(dir string) string {
	if dir == "." {
		return "the current directory"
	}
	return dir
}

func (s source) close() {
	if s.archive != nil {
		_ = s.archive.Close() // a temporary directory that stays harms nobody
	}
}

// port is the one that the archive's image says it listens on, if any.
func (s source) port() string {
	if s.archive == nil {
		return ""
	}
	return s.archive.Port()
}

// nameOf is what the service is called like.
func (s source) nameOf() string {
	if s.archive == nil && s.tree == nil {
		return lastPart(s.name)
	}
	path, err := filepath.Abs(s.name)
	if err != nil {
		return ""
	}
	name := filepath.Base(path)
	for _, ending := range []string{".tar", ".tar.gz", ".tgz"} {
		name = strings.TrimSuffix(name, ending)
	}
	return name
}
