package telemetry

import (
	"context"
	"time"
)

// State is what there is to say of a service beside its requests, just now.
type State struct {
	Service
	Status    string // App Runner's, as RUNNING
	InFlight  int    // requests, those that wait included
	Waiting   int    // requests that wait for an instance
	Active    int    // instances that have requests
	Wanted    int    // instances there should be
	Instances []Instance
}

// Instance is what an instance takes.
type Instance struct {
	ID, State   string // State: "healthy", "starting", ...
	Began       time.Time
	CPU         time.Duration // that it has used
	CPULimit    float64       // vCPUs that it has
	Memory      int64         // bytes
	MemoryLimit int64         // bytes
}

// Machine is what the server's operator alone may see.
type Machine struct {
	Version                        string
	DiskTotal, DiskUsed, DiskAvail int64 // bytes, of the file system that holds the data directory
}

// Sources are asked at each scrape. All are required.
type Sources struct {
	States  func(ctx context.Context, account string) ([]State, error) // of all services of the account; of all for ""
	Machine func(ctx context.Context) (Machine, error)
}
