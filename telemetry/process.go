package telemetry

import (
	"bytes"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The figures of the process have the names that Prometheus's own client gives them, which dashboards know.
var (
	famCPUTime   = &family{name: "process_cpu_seconds_total", kind: counter, help: "CPU that the server has used, without its instances.", ofMachine: true}
	famResident  = &family{name: "process_resident_memory_bytes", kind: gauge, help: "Memory that the server holds.", ofMachine: true}
	famFiles     = &family{name: "process_open_fds", kind: gauge, help: "Open file descriptors.", ofMachine: true}
	famFileLimit = &family{name: "process_max_fds", kind: gauge, help: "How many there may be.", ofMachine: true}
	famBegan     = &family{name: "process_start_time_seconds", kind: gauge, help: "When the server began, in seconds since 1970.", ofMachine: true}
	famGo        = &family{name: "go_info", kind: gauge, help: "1, with the version of Go.", labels: []string{"version"}, ofMachine: true}

	// runtimeFamilies are those of package runtime/metrics, by its names.
	runtimeFamilies = []struct {
		key    string
		family *family
	}{
		{"/sched/goroutines:goroutines", &family{name: "go_goroutines", kind: gauge, help: "Goroutines.", ofMachine: true}},
		{"/memory/classes/heap/objects:bytes", &family{name: "go_memstats_heap_alloc_bytes", kind: gauge, help: "Bytes of objects on the heap.", ofMachine: true}},
		{"/memory/classes/total:bytes", &family{name: "go_memstats_sys_bytes", kind: gauge, help: "Bytes that the runtime has of the machine.", ofMachine: true}},
		{"/gc/cycles/total:gc-cycles", &family{name: "go_gc_cycles_total_gc_cycles_total", kind: counter, help: "Garbage collections.", ofMachine: true}},
		{"/sched/gomaxprocs:threads", &family{name: "go_sched_gomaxprocs_threads", kind: gauge, help: "Threads that run Go code at a time.", ofMachine: true}},
	}
)

var began = time.Now()

// process adds what the server itself takes.
func (e *exposition) process() {
	add := func(f *family, value float64, labels ...string) { e.add(f, Service{}, value, labels...) }
	add(famBegan, float64(began.UnixMilli())/1000)
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil {
		add(famCPUTime, time.Duration(used.Utime.Nano()+used.Stime.Nano()).Seconds())
	}
	if pages, ok := residentPages(); ok {
		add(famResident, float64(pages*int64(os.Getpagesize())))
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		add(famFiles, float64(len(open)-1)) // one is the directory's
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		add(famFileLimit, float64(limit.Cur))
	}
	add(famGo, 1, runtime.Version())
	e.runtime()
}

func (e *exposition) runtime() {
	samples := make([]metrics.Sample, len(runtimeFamilies))
	for i, f := range runtimeFamilies {
		samples[i].Name = f.key
	}
	metrics.Read(samples)
	for i, f := range runtimeFamilies {
		if samples[i].Value.Kind() == metrics.KindUint64 {
			e.add(f.family, Service{}, float64(samples[i].Value.Uint64()))
		}
	}
}

// residentPages is the second field of /proc/self/statm.
func residentPages() (int64, bool) {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(bytes.TrimSpace(text)))
	if err != nil || len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages, err == nil
}
