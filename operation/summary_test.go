package operation_test

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"apron/api"
)

// What an operation's summary shows, one after the other.
const (
	succeeds        = "PENDING IN_PROGRESS SUCCEEDED"
	fails           = "PENDING IN_PROGRESS FAILED"
	rollsBack       = "PENDING IN_PROGRESS ROLLBACK_IN_PROGRESS ROLLBACK_SUCCEEDED"
	rollsBackInVain = "PENDING IN_PROGRESS ROLLBACK_IN_PROGRESS ROLLBACK_FAILED"
)

// TestSummaries_OfEveryTypeThroughSuccessAndFailure looks at all that ListOperations could have shown at any time: every
// record of the operation that ever was durable.
func TestSummaries_OfEveryTypeThroughSuccessAndFailure(t *testing.T) {
	m := newMachine(t)
	for name, tt := range map[string]struct {
		kind   api.OperationType
		from   func(*rig, string) string
		call   func(*rig, string)
		course string
	}{
		"create":                     {api.OperationCreateService, (*rig).running, nothing, succeeds},
		"create that fails":          {api.OperationCreateService, (*rig).createFailed, nothing, fails},
		"update":                     {api.OperationUpdateService, (*rig).running, updateToTwo, succeeds},
		"update that fails":          {api.OperationUpdateService, (*rig).running, updateToBroken, rollsBack},
		"update that cannot go back": {api.OperationUpdateService, (*rig).running, updateStuck, rollsBackInVain},
		"rebuild":                    {api.OperationUpdateService, (*rig).createFailed, updateToTwo, succeeds},
		"rebuild that fails":         {api.OperationUpdateService, (*rig).createFailed, updateToBroken, fails},
		"deployment":                 {api.OperationStartDeployment, (*rig).running, (*rig).deploy, succeeds},
		"deployment that fails":      {api.OperationStartDeployment, (*rig).running, deployBroken, fails},
		"pause":                      {api.OperationPauseService, (*rig).running, (*rig).pause, succeeds},
		"pause that fails":           {api.OperationPauseService, (*rig).running, pauseStuck, fails},
		"resume":                     {api.OperationResumeService, (*rig).paused, (*rig).resume, succeeds},
		"resume that fails":          {api.OperationResumeService, (*rig).paused, resumeBroken, fails},
		"delete":                     {api.OperationDeleteService, (*rig).running, (*rig).delete, succeeds},
		"delete of a paused service": {api.OperationDeleteService, (*rig).paused, (*rig).delete, succeeds},
		"delete of what never ran":   {api.OperationDeleteService, (*rig).createFailed, (*rig).delete, succeeds},
		"delete that fails":          {api.OperationDeleteService, (*rig).running, deleteStuck, fails},
		"delete once more":           {api.OperationDeleteService, (*rig).deleteFailed, (*rig).delete, succeeds},
	} {
		t.Run(name, func(t *testing.T) {
			bubbleOn(t, m.another(t), func(r *rig) {
				r.keepSummaries()
				arn := tt.from(r, "web-app")
				tt.call(r, arn)
				r.wantCourse(arn, tt.kind, tt.course)
				r.fake.SetDestroyError(nil)
			})
		})
	}
}

// TestSummary_OfAnOperationCutOff goes on where it was: a client that follows it sees nothing of the restart.
func TestSummary_OfAnOperationCutOff_GoesOnWhereItWas(t *testing.T) {
	bubble(t, func(r *rig) {
		r.keepSummaries()
		arn := r.running("web-app")
		r.endAt(api.OperationPauseService, "drain done")
		r.pause(arn)
		r.awaitEnd()
		r = r.restart()
		r.wantCourse(arn, api.OperationPauseService, succeeds)
	})
}

func nothing(*rig, string) {}

func (r *rig) createFailed(name string) string {
	arn := r.create(name, map[string]string{"EXIT_AT_START": "3"})
	r.ends(arn, api.OperationFailed)
	return arn
}

func (r *rig) deleteFailed(name string) string {
	arn := r.running(name)
	deleteStuck(r, arn)
	r.ends(arn, api.OperationFailed)
	r.fake.SetDestroyError(nil)
	return arn
}

func updateToTwo(r *rig, arn string) { r.update(arn, "web:2", map[string]string{}) }

func updateStuck(r *rig, arn string) {
	r.fake.SetDestroyError(func(string) error { return broken("the kernel") })
	updateToBroken(r, arn)
}

func deployBroken(r *rig, arn string) {
	r.failStarts()
	r.deploy(arn)
}

func deleteStuck(r *rig, arn string) {
	r.fake.SetDestroyError(func(string) error { return broken("the kernel") })
	r.delete(arn)
}

// keepSummaries has the database keep each summary that is written, in the order of the writes.
func (r *rig) keepSummaries() {
	r.t.Helper()
	const keep = ` ON operations BEGIN INSERT INTO summaries (arn, summary) VALUES (NEW.arn, json_extract(NEW.record, '$.summary')); END;`
	synctest.Wait() // nobody else writes
	db := r.database()
	defer db.Close()
	if _, err := db.ExecContext(r.t.Context(), `CREATE TABLE summaries (seq INTEGER PRIMARY KEY, arn TEXT, summary TEXT);
		CREATE TRIGGER inserted AFTER INSERT`+keep+`CREATE TRIGGER updated AFTER UPDATE`+keep); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) database() *sql.DB {
	r.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(r.machine.dir, "apron.db"))
	if err != nil {
		r.t.Fatal(err)
	}
	return db
}

// summaries are those that were written of the service's newest operation.
func (r *rig) summaries(arn string) (list []api.OperationSummary) {
	r.t.Helper()
	db := r.database()
	defer db.Close()
	rows, err := db.QueryContext(r.t.Context(), `SELECT summary FROM summaries
		WHERE arn = ? AND json_extract(summary, '$.Id') = ? ORDER BY seq`, arn, r.last(arn).ID())
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text []byte
		var s api.OperationSummary
		if err := rows.Scan(&text); err != nil {
			r.t.Fatal(err)
		}
		if err := json.Unmarshal(text, &s); err != nil {
			r.t.Fatal(err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return list
}

// wantCourse waits for the end of the service's newest operation and wants its summaries to be of the type, to show these
// statuses, and to have times in order: begun once, ended with the last status alone.
func (r *rig) wantCourse(arn string, kind api.OperationType, course string) {
	r.t.Helper()
	statuses := strings.Fields(course)
	last := statuses[len(statuses)-1]
	r.ends(arn, api.OperationStatus(last))
	list := r.summaries(arn)
	var seen []string
	before := list[0]
	for _, s := range list {
		if len(seen) == 0 || seen[len(seen)-1] != string(*s.Status) {
			seen = append(seen, string(*s.Status))
		}
		if *s.Type != kind || *s.TargetArn != arn || !s.StartedAt.Equal(list[0].StartedAt.Time) {
			r.t.Errorf("summary is %s of %s, started at %v; want %s of %s, started at %v", *s.Type, *s.TargetArn, s.StartedAt, kind, arn, list[0].StartedAt)
		}
		if s.UpdatedAt.Before(before.UpdatedAt.Time) {
			r.t.Errorf("updated at %v, and before that at %v", s.UpdatedAt, before.UpdatedAt)
		}
		if ended := string(*s.Status) == last; ended != (s.EndedAt != nil) || ended && !s.EndedAt.Equal(s.UpdatedAt.Time) {
			r.t.Errorf("%s has ended at %v and was updated at %v", *s.Status, s.EndedAt, s.UpdatedAt)
		}
		before = s
	}
	if got := strings.Join(seen, " "); got != course {
		r.t.Errorf("statuses are %s, want %s", got, course)
	}
}
