package store

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestPlans_NeedNoRecords asks SQLite how it answers the queries that must not slow down with the number of services.
func TestPlans_NeedNoRecords(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "apron.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tests := map[string]struct{ query, want string }{
		"summaries": {summariesQuery, "SEARCH services USING COVERING INDEX services_list (account=? AND region=? AND seq>?)"},
		"count":     {countQuery, "SEARCH services USING COVERING INDEX services_list (account=? AND region=?)"},
		"images":    {imagesQuery, "SEARCH services USING COVERING INDEX services_image (image>?)"},
		"kept":      {imagesQuery, "SEARCH deployments USING COVERING INDEX deployments_image (image>?)"},
		"running":   {servicesInQuery, "SEARCH services USING INDEX services_status (status=?)"},
		"open":      {openOperationsQuery, "SCAN operations USING INDEX operations_open"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rows, err := s.read.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+tt.query, make([]any, strings.Count(tt.query, "?"))...)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var plan []string
			for rows.Next() {
				var id, parent, unused int
				var step string
				if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
					t.Fatal(err)
				}
				plan = append(plan, step)
			}
			if got := strings.Join(plan, "\n"); !strings.Contains(got, tt.want) {
				t.Errorf("the plan is\n%s\nwant %s", got, tt.want)
			}
		})
	}
}
