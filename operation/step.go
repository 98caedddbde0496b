package operation

import (
	"context"
	"errors"
	"time"
)

// step is one named part of an operation. Its name is stored: after a restart the steps that are done are skipped
// by name, so renaming one is a migration.
//
// do and undo must be repeatable: a step that was cut off by kill -9 is run again from its start.
type step struct {
	name   string
	within time.Duration // how long one try may take, beside what Config.Limits let others take; 0 is patience
	do     func(context.Context, *run) error
	undo   func(context.Context, *run) error // nil: there is nothing to take back

	// volatile says that the effect is, at least in part, in this process's memory: which instances are watched, which
	// host names lead where. After a restart such a step is done again although it was done.
	volatile bool
	// records says that do changes the service's record or the operation's.
	records bool
}

// saved tells whether the cursor is saved when the step is done. Nothing would be won by it where the step is done again
// after a restart anyway, and each save is a wait for the disk on the way of a resume.
func (s step) saved() bool { return s.records || !s.volatile }

// patience is what a step takes that pulls nothing and waits for nobody, and far more: fleet gives an instance up that
// cannot be removed after two minutes, and then says which.
const patience = 3 * time.Minute

// plan is all that is to know about one type of operation.
type plan struct {
	steps []step
	texts texts // what the service's events stream says
	// deploys says that it brings up a new version, and so has a stream of its own in the logs.
	deploys bool
	// keepsServing says that the version deployed before answers requests while the operation is under way.
	keepsServing bool
	// freesImages says that images may be unneeded after it has ended.
	freesImages bool
}

// texts are the lines that an operation leaves in the service's events stream.
type texts struct{ started, succeeded, failed string }

// abort marks an error that no retry will change.
type abort struct{ error }

func (a abort) Unwrap() error { return a.error }

// Abort says that trying the step again is of no use: the operation is given up because of err.
func Abort(err error) error { return abort{err} }

func isAbort(err error) bool {
	_, ok := errors.AsType[abort](err)
	return ok
}
