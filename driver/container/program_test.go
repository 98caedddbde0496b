//go:build linux && cgo

package container

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"apron/driver"
	"apron/image"
)

// addLayer makes a layer of the given files on top of the program's. A value that begins with "->" is a link.
func (h *host) addLayer(files map[string]string) image.Image {
	h.t.Helper()
	dir := filepath.Join(h.dir, "layer-"+newID())
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			h.t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "->"); ok {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(content), 0o755)
		}
		if err != nil {
			h.t.Fatal(err)
		}
	}
	os.Chmod(dir, 0o755)
	img := appImage()
	img.Layers = append(img.Layers, dir)
	return img
}

func (h *host) specOf(img image.Image) driver.Spec {
	img.Digest = "sha256:" + newID()
	h.images[img.Digest] = img
	spec := h.spec()
	spec.Image = img.Digest
	return spec
}

const (
	passwdFile = "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001:web:/home/web:/bin/sh\n"
	groupFile  = "root:x:0:\nweb:x:1001:\nextra:x:2000:web\nother:x:3000:\n"
)

func TestUser_IsResolvedInTheImage(t *testing.T) {
	h := newHost(t)
	img := h.addLayer(map[string]string{"etc/passwd": passwdFile, "etc/group": groupFile})
	for name, want := range map[string]string{
		"":           "uid=0 gid=0",
		"web":        "uid=1000 gid=1001 groups=[2000]",
		"web:other":  "uid=1000 gid=3000",
		"1000":       "uid=1000 gid=1001",
		"4321:1234":  "uid=4321 gid=1234",
		"root:extra": "uid=0 gid=2000",
	} {
		img.User = name
		id := h.start(h.specOf(img))
		if got := h.mustAsk(id, "/whoami"); !strings.HasPrefix(got, want) {
			t.Errorf("USER %q: %s, want %s", name, got, want)
		}
		if name == "web" {
			if env := h.mustAsk(id, "/env"); !strings.Contains(env, "HOME=/home/web\n") {
				t.Errorf("env of web: %s", env)
			}
			if status := h.mustAsk(id, "/read", "path", "/proc/self/status"); !strings.Contains(status, "CapEff:\t0000000000000000") {
				t.Error("a user that is not root has capabilities")
			}
		}
	}
}

func TestEnvironment_SpecWinsOverImageWinsOverDefaults(t *testing.T) {
	h := newHost(t)
	id := h.start(h.spec())
	env := "\n" + h.mustAsk(id, "/env") + "\n"
	for _, want := range []string{"FROM_IMAGE=yes", "BOTH=spec", "PORT=8080", "HOME=/", "HOSTNAME=" + id[:12], defaultPath} {
		if !strings.Contains(env, "\n"+want+"\n") {
			t.Errorf("no %q in %s", want, env)
		}
	}
	if strings.Contains(env, "LIBCONTAINER") || strings.Contains(env, "GOMAXPROCS") {
		t.Errorf("the environment shows how the instance is made: %s", env)
	}
}

func TestWorkingDir_IsMadeWhenMissing(t *testing.T) {
	h := newHost(t)
	img := appImage()
	img.WorkingDir = "/srv/app"
	if got := h.mustAsk(h.start(h.specOf(img)), "/whoami"); !strings.Contains(got, "dir=/srv/app ") {
		t.Error(got)
	}
}

func TestCommand_ReplacesCmdAndKeepsEntrypoint(t *testing.T) {
	h := newHost(t)
	img := appImage()
	img.Cmd = []string{"exit", "5"}
	spec := h.specOf(img)
	spec.Command = []string{"serve", "now"}
	if got := h.mustAsk(h.start(spec), "/whoami"); !strings.Contains(got, "args=[serve now]") {
		t.Error(got)
	}
}

func TestProgram_IsFoundThroughPathLinksAndScripts(t *testing.T) {
	h := newHost(t)
	img := h.addLayer(map[string]string{
		"opt/bin/tool": "->/app", "bin/run": "#!/opt/bin/tool serve\n", "rel/app": "->../app",
	})
	img.Env = []string{"PATH=/nowhere:/opt/bin:/bin"}
	for _, entry := range []string{"tool", "/opt/bin/tool", "run", "./rel/app", "rel/app"} {
		img.Entrypoint = []string{entry}
		if got := h.mustAsk(h.start(h.specOf(img)), "/"); got != "ok" {
			t.Errorf("%s: %s", entry, got)
		}
	}
}

func TestStart_NamesTheFaultOfTheImage(t *testing.T) {
	h := newHost(t)
	foreign, err := os.ReadFile(filepath.Join(layer, "app"))
	if err != nil {
		t.Fatal(err)
	}
	foreign = foreign[:4096]
	foreign[18], foreign[19] = 243, 0 // e_machine: RISC-V
	img := h.addLayer(map[string]string{
		"text": "hello", "foreign": string(foreign), "dir/file": "", "plain": "x",
		"script": "#!/bin/nothing\n", "dos": "#!/app\r\n", "loop": "->loop", "etc/passwd": passwdFile,
		"escape": "->../../../../../../etc/shadow", "secret/app": "->/app",
	})
	os.Chmod(filepath.Join(img.Layers[1], "plain"), 0o644)
	os.Chmod(filepath.Join(img.Layers[1], "secret"), 0o700)
	cases := map[string]struct {
		change func(*image.Image)
		want   string
	}{
		"no program at all":   {func(i *image.Image) { i.Entrypoint = nil }, "no ENTRYPOINT"},
		"missing":             {func(i *image.Image) { i.Entrypoint = []string{"/nope"} }, `"/nope" was not found`},
		"missing in PATH":     {func(i *image.Image) { i.Entrypoint = []string{"nope"} }, "looked in PATH="},
		"not executable":      {func(i *image.Image) { i.Entrypoint = []string{"/plain"} }, "cannot be executed"},
		"a directory":         {func(i *image.Image) { i.Entrypoint = []string{"/dir"} }, "cannot be executed"},
		"text":                {func(i *image.Image) { i.Entrypoint = []string{"/text"} }, "exec format error"},
		"another CPU's":       {func(i *image.Image) { i.Entrypoint = []string{"/foreign"} }, "exec format error"},
		"another CPU's image": {func(i *image.Image) { i.Architecture = "riscv64" }, "riscv64"},
		"no interpreter":      {func(i *image.Image) { i.Entrypoint = []string{"/script"} }, "/bin/nothing"},
		"Windows line ends":   {func(i *image.Image) { i.Entrypoint = []string{"/dos"} }, "line ends"},
		"a loop of links":     {func(i *image.Image) { i.Entrypoint = []string{"/loop"} }, "was not found"},
		"a link to the host":  {func(i *image.Image) { i.Entrypoint = []string{"/escape"} }, "was not found"},
		"unknown user":        {func(i *image.Image) { i.User = "ghost" }, `"ghost"`},
		"unknown group":       {func(i *image.Image) { i.User = "web:ghosts" }, `"web:ghosts"`},
		"user may not":        {func(i *image.Image) { i.User, i.Entrypoint = "web", []string{"/secret/app"} }, "permission denied"},
		"stop signal":         {func(i *image.Image) { i.StopSignal = "SIGNOPE" }, "SIGNOPE"},
		"no layers":           {func(i *image.Image) { i.Layers = nil }, "no layers"},
		"working directory":   {func(i *image.Image) { i.WorkingDir = "/text" }, "/text"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			img := img
			c.change(&img)
			spec := h.specOf(img)
			err := h.Start(t.Context(), spec)
			if _, ok := errors.AsType[*driver.ImageError](err); !ok || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an ImageError with %q", err, c.want)
			}
			h.mustBeGone(spec.ID)
		})
	}
	h.mustHoldNothing()
}

func TestRoot_HoldsAsManyLayersAsAnImageMayHave(t *testing.T) {
	h := newHost(t)
	img := appImage()
	for i := range maxLayers - 1 {
		img.Layers = append(img.Layers, h.addLayer(map[string]string{"order": strconv.Itoa(i), "own" + strconv.Itoa(i): "x"}).Layers[1])
	}
	id := h.start(h.specOf(img))
	if got := h.mustAsk(id, "/read", "path", "/order"); got != strconv.Itoa(maxLayers-2) {
		t.Errorf("the topmost layer says %q", got)
	}
	if got := h.mustAsk(id, "/list", "path", "/"); strings.Count(got, "own") != maxLayers-1 {
		t.Errorf("files of %d layers are seen", strings.Count(got, "own"))
	}
	img.Layers = append(img.Layers, img.Layers[1])
	if _, ok := errors.AsType[*driver.ImageError](h.Start(t.Context(), h.specOf(img))); !ok {
		t.Error("one layer more is not refused")
	}
}

// hostProgram is a layer with a dynamically linked program of the test machine and the libraries that it loads.
func (h *host) hostProgram(name string, withLibraries bool) image.Image {
	h.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		h.t.Skipf("the test machine has no %s", name)
	}
	out, err := exec.Command("ldd", path).Output()
	if err != nil {
		h.t.Skipf("ldd %s: %v: this test needs a dynamically linked program", path, err)
	}
	files := []string{path}
	for field := range strings.FieldsSeq(string(out)) {
		if withLibraries && strings.HasPrefix(field, "/") {
			files = append(files, field)
		}
	}
	content := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			h.t.Fatal(err)
		}
		content[strings.TrimPrefix(file, "/")] = string(data)
	}
	img := h.addLayer(content)
	img.Entrypoint = []string{path}
	return img
}

func TestStart_NamesAMissingLoader(t *testing.T) {
	h := newHost(t)
	spec := h.specOf(h.hostProgram("sleep", false))
	err := h.Start(t.Context(), spec)
	if _, ok := errors.AsType[*driver.ImageError](err); !ok || !strings.Contains(err.Error(), "needs the loader") {
		t.Errorf("got %v", err)
	}
}

// awaitProgram waits until the instance has become its program.
func (h *host) awaitProgram(id, name string) {
	h.t.Helper()
	is := func(process string) bool { return strings.Contains(process, "("+name+")") }
	for end := time.Now().Add(time.Minute); !slices.ContainsFunc(processesOf(id), is); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("%s does not run; there is %q", name, processesOf(id))
		}
	}
}

func TestStop_DoesNotWaitForAProgramThatCannotNoticeTheSignal(t *testing.T) {
	h := newHost(t)
	img := h.hostProgram("sleep", true)
	img.Cmd = []string{"600"}
	spec := h.specOf(img)
	if err := h.Start(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	h.awaitProgram(spec.ID, "sleep")
	begin := time.Now()
	if err := h.Stop(t.Context(), spec.ID, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("took %s", took)
	}
	if exit, err := h.Wait(t.Context(), spec.ID); err != nil || exit.Code != 137 || exit.OOM {
		t.Errorf("exit %+v %v", exit, err)
	}
}
