// Command app is the program that the tests of driver/container run in instances. Without arguments it is an HTTP
// server on $PORT; with one it does what the argument says.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	mode := "serve"
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	switch mode {
	case "serve", "ignore-term", "default-term", "slow-term":
		serve(mode)
	case "exit":
		code, _ := strconv.Atoi(os.Args[2])
		fmt.Println("exiting with", code)
		os.Exit(code)
	case "crash":
		syscall.Kill(os.Getpid(), syscall.SIGKILL) // pid 1 cannot; its own signal is dropped
		panic("crash")
	case "sleep":
		time.Sleep(time.Hour)
	}
}

func serve(mode string) {
	signals := make(chan os.Signal, 1)
	switch mode {
	case "ignore-term":
		signal.Ignore(syscall.SIGTERM)
	case "default-term":
		// The Go runtime handles SIGTERM by itself; as the first process it dies of it with status 2.
	default:
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGUSR1)
	}
	go func() {
		s := <-signals
		fmt.Println("got", s)
		if mode == "slow-term" {
			time.Sleep(300 * time.Millisecond)
		}
		os.Exit(0)
	}()
	http.HandleFunc("/", answer)
	listener, err := net.Listen("tcp", os.Getenv("LISTEN")+":"+os.Getenv("PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	fmt.Println("listening on", listener.Addr())
	_ = http.Serve(listener, nil)
}

func answer(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch r.URL.Path {
	case "/":
		fmt.Fprint(w, "ok")
	case "/env":
		fmt.Fprint(w, strings.Join(os.Environ(), "\n"))
	case "/whoami":
		groups, _ := os.Getgroups()
		dir, _ := os.Getwd()
		host, _ := os.Hostname()
		fmt.Fprintf(w, "uid=%d gid=%d groups=%v dir=%s host=%s pid=%d sid=%s args=%v", os.Getuid(), os.Getgid(), groups, dir, host, os.Getpid(), sid(), os.Args[1:])
	case "/read":
		data, err := os.ReadFile(q.Get("path"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		w.Write(data)
	case "/list":
		entries, err := os.ReadDir(q.Get("path"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		for _, e := range entries {
			fmt.Fprintln(w, e.Name())
		}
	case "/stat":
		info, err := os.Stat(q.Get("path"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(w, "%d:%d %v", st.Uid, st.Gid, info.Mode())
	case "/chown":
		uid, _ := strconv.Atoi(q.Get("uid"))
		if err := os.Chown(q.Get("path"), uid, uid); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	case "/append":
		f, err := os.OpenFile(q.Get("path"), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		defer f.Close()
		fmt.Fprintln(f, q.Get("text"))
	case "/write":
		n, _ := strconv.Atoi(q.Get("bytes"))
		if err := os.WriteFile(q.Get("path"), make([]byte, n), 0o644); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	case "/eat":
		mib, _ := strconv.Atoi(q.Get("mib"))
		eaten = make([]byte, mib<<20)
		for i := 0; i < len(eaten); i += 4096 {
			eaten[i] = 1
		}
	case "/spin":
		d, _ := time.ParseDuration(q.Get("for"))
		fmt.Fprint(w, spin(d))
	case "/spawn":
		n, _ := strconv.Atoi(q.Get("n"))
		for i := range n {
			cmd := exec.Command("/app", "sleep")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if err := cmd.Start(); err != nil {
				http.Error(w, fmt.Sprintf("after %d: %v", i, err), http.StatusForbidden)
				return
			}
		}
	case "/exit":
		code, _ := strconv.Atoi(q.Get("code"))
		os.Exit(code)
	case "/syscall":
		fmt.Fprint(w, tryCall(q.Get("name")))
	case "/get":
		get(w, q.Get("url"))
	case "/dial":
		conn, err := net.DialTimeout(q.Get("network"), q.Get("addr"), 700*time.Millisecond)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		conn.Close()
	default:
		http.NotFound(w, r)
	}
}

var eaten []byte

func sid() string {
	data, _ := os.ReadFile("/proc/self/stat")
	f := strings.Fields(string(data))
	return f[5]
}

// spin uses one CPU for d and tells how much CPU time it got.
func spin(d time.Duration) time.Duration {
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	return time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
}

func tryCall(name string) string {
	var errno syscall.Errno
	switch name {
	case "mount":
		_, _, errno = syscall.Syscall6(syscall.SYS_MOUNT, 0, 0, 0, 0, 0, 0)
	case "unshare":
		_, _, errno = syscall.Syscall(syscall.SYS_UNSHARE, syscall.CLONE_NEWUSER, 0, 0)
	case "reboot":
		_, _, errno = syscall.Syscall(syscall.SYS_REBOOT, 0, 0, 0)
	case "bpf":
		_, _, errno = syscall.Syscall(321, 0, 0, 0)
	case "keyctl":
		_, _, errno = syscall.Syscall(250, 0, 0, 0)
	case "mknod":
		return fmt.Sprint(syscall.Mknod("/disk", syscall.S_IFBLK|0o600, 0xfe00))
	case "raw":
		_, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_RAW, 1)
		return fmt.Sprint(err)
	}
	return errno.Error()
}

func get(w http.ResponseWriter, url string) {
	client := http.Client{Timeout: 2 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	io.Copy(w, resp.Body)
}
