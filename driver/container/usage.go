//go:build linux && cgo

package container

import (
	"cmp"
	"time"

	"apron/driver"
)

// usage reads what the instance's cgroups count, of either version. They are gone when the instance is.
func (d *Driver) usage(id string) driver.Usage {
	g, err := d.group(id)
	if err != nil {
		return driver.Usage{}
	}
	stats, err := g.GetStats()
	if err != nil {
		return driver.Usage{}
	}
	memory := stats.MemoryStats
	// Version 1 counts what lies below the group in names of their own.
	files := cmp.Or(memory.Stats["total_inactive_file"], memory.Stats["inactive_file"])
	return driver.Usage{
		CPU:    time.Duration(stats.CpuStats.CpuUsage.TotalUsage),
		Memory: int64(memory.Usage.Usage - min(files, memory.Usage.Usage)),

		CPULimit: d.cpuLimit(id),
	}
}
