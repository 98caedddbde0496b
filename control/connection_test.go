package control_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"apron/api"
	"apron/control"
	"apron/store"
)

// edit changes the stored service with the ARN, as actions do that other tests are about.
func (w *world) edit(t *testing.T, arn string, f func(*api.Service)) {
	t.Helper()
	err := w.store.Update(t.Context(), func(tx *store.Tx) error {
		svc, err := tx.Service(arn)
		if err != nil {
			return err
		}
		f(&svc.Service)
		if svc.Deployed != nil {
			svc.Deployed.Config = svc.Service
		}
		return tx.PutService(svc)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// end deletes the service.
func (w *world) end(t *testing.T, arn string) {
	t.Helper()
	if _, err := w.DeleteService(t.Context(), caller, &api.DeleteServiceRequest{ServiceArn: arn}); err != nil {
		t.Fatal(err)
	}
	w.finish(t, arn, true)
}

func (w *world) connection(t *testing.T, name string) string {
	t.Helper()
	out, err := w.CreateConnection(t.Context(), caller, &api.CreateConnectionRequest{
		ConnectionName: name, ProviderType: api.ProviderGitHub, Tags: []api.Tag{{Key: new("team"), Value: new("web")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Validate(out); err != nil {
		t.Errorf("the reply breaks the model: %v", err)
	}
	return *out.Connection.ConnectionArn
}

func (w *world) connections(t *testing.T, name *string) (list []string) {
	t.Helper()
	out, err := w.ListConnections(t.Context(), caller, &api.ListConnectionsRequest{ConnectionName: name})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range out.ConnectionSummaryList {
		list = append(list, fmt.Sprint(*c.ConnectionName, " ", *c.ProviderType, " ", *c.Status))
	}
	return list
}

func wantList(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}

func TestCreateConnection_WaitsForItsHandshake(t *testing.T) {
	w := newWorld(t)
	arn := w.connection(t, "git_hub")
	w.connection(t, "git_hub2")
	wantList(t, w.connections(t, nil), "git_hub GITHUB PENDING_HANDSHAKE", "git_hub2 GITHUB PENDING_HANDSHAKE")
	wantList(t, w.connections(t, new("git_hub")), "git_hub GITHUB PENDING_HANDSHAKE")
	wantList(t, w.connections(t, new("git_")))
	tags, err := w.ListTagsForResource(t.Context(), caller, &api.ListTagsForResourceRequest{ResourceArn: arn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "web" {
		t.Errorf("tags = %+v, %v", tags, err)
	}
}

func TestCreateConnection_Refuses(t *testing.T) {
	w := newWorld(t)
	w.connection(t, "git_hub")
	create := func(name, tag string) error {
		_, err := w.CreateConnection(t.Context(), caller, &api.CreateConnectionRequest{
			ConnectionName: name, ProviderType: api.ProviderBitbucket, Tags: []api.Tag{{Key: &tag, Value: new("x")}},
		})
		return err
	}
	wantKind(t, create("git_hub", "a"), api.KindInvalidRequest, "There is a connection named git_hub already: arn:aws:apprunner:")
	wantKind(t, create("another", "apron:a"), api.KindInvalidRequest, "services alone have")
	for i := range 9 {
		w.connection(t, fmt.Sprint("many", i))
	}
	wantKind(t, create("too-many", "a"), api.KindQuotaExceeded, "There are 10 connections in us-east-1 already")
	elsewhere := caller
	elsewhere.Region = "eu-west-1"
	_, err := w.CreateConnection(t.Context(), elsewhere, &api.CreateConnectionRequest{ConnectionName: "git_hub", ProviderType: api.ProviderGitHub})
	if err != nil {
		t.Errorf("another region's names are its own: %v", err)
	}
}

func TestListConnections_PagesOfOneFilter(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.connection(t, fmt.Sprint("git_hub", i))
	}
	first, err := w.ListConnections(t.Context(), caller, &api.ListConnectionsRequest{MaxResults: new(2)})
	if err != nil || len(first.ConnectionSummaryList) != 2 || first.NextToken == nil {
		t.Fatalf("first page = %+v, %v", first, err)
	}
	last, err := w.ListConnections(t.Context(), caller, &api.ListConnectionsRequest{MaxResults: new(2), NextToken: first.NextToken})
	if err != nil || len(last.ConnectionSummaryList) != 1 || last.NextToken != nil {
		t.Errorf("last page = %+v, %v", last, err)
	}
	_, err = w.ListConnections(t.Context(), caller, &api.ListConnectionsRequest{ConnectionName: new("git_hub0"), NextToken: first.NextToken})
	wantKind(t, err, api.KindInvalidRequest, "NextToken")
}

func TestDeleteConnection_IsGoneAtOnce(t *testing.T) {
	for name, short := range map[string]bool{"full ARN": false, "ARN without the id": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			full := w.connection(t, "git_hub")
			arn := full
			if short {
				arn = full[:strings.LastIndex(full, "/")]
			}
			out, err := w.DeleteConnection(t.Context(), caller, &api.DeleteConnectionRequest{ConnectionArn: arn})
			if err != nil || *out.Connection.Status != api.ConnectionDeleted || *out.Connection.ConnectionArn != full {
				t.Fatalf("delete = %+v, %v", out, err)
			}
			wantList(t, w.connections(t, nil))
			_, err = w.DeleteConnection(t.Context(), caller, &api.DeleteConnectionRequest{ConnectionArn: arn})
			wantKind(t, err, api.KindNotFound, "connection")
			if again := w.connection(t, "git_hub"); again == full {
				t.Error("a new connection has the ARN of the deleted one")
			}
		})
	}
}

func TestDeleteConnection_RefusesOneInUse(t *testing.T) {
	w := newWorld(t)
	arn, service := w.connection(t, "git_hub"), w.create(t, "web-app").ServiceArn
	if err := w.authorize(t, arn, "sealed"); err != nil {
		t.Fatal(err)
	}
	short := arn[:strings.LastIndex(arn, "/")]
	out, err := w.UpdateService(t.Context(), caller, &api.UpdateServiceRequest{ServiceArn: service, SourceConfiguration: &api.SourceConfiguration{
		AuthenticationConfiguration: &api.AuthenticationConfiguration{ConnectionArn: &short},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := *out.Service.SourceConfiguration.AuthenticationConfiguration.ConnectionArn; got != arn {
		t.Errorf("the service shows %s, want %s", got, arn)
	}
	w.finish(t, service, true)
	remove := func() error {
		_, err := w.DeleteConnection(t.Context(), caller, &api.DeleteConnectionRequest{ConnectionArn: arn})
		return err
	}
	wantKind(t, remove(), api.KindInvalidRequest, "You can't delete the connection git_hub. It's used by one or more services, such as "+service)
	w.end(t, service)
	if err := remove(); err != nil {
		t.Errorf("with its service deleted: %v", err)
	}
}

// authorize gives the connection a sealed credential as `apron connection authorize` does.
func (w *world) authorize(t *testing.T, arn, sealed string) error {
	t.Helper()
	parsed, err := api.ParseARN(arn)
	if err != nil {
		t.Fatal(err)
	}
	return w.store.Update(t.Context(), func(tx *store.Tx) error {
		return control.AuthorizeConnection(tx, parsed, store.Credential{Kind: store.CredentialToken, Sealed: []byte(sealed), Given: api.At(time.Now())})
	})
}

func (w *world) credential(t *testing.T, arn string) (c *store.Credential) {
	t.Helper()
	err := w.store.View(t.Context(), func(tx *store.Tx) error {
		parsed, err := api.ParseARN(arn)
		if err != nil {
			return err
		}
		r, err := store.FindResource[store.Connection](tx, parsed)
		c = r.Record.Credential
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAuthorizeConnection_MakesItAvailableUntilItIsDeleted(t *testing.T) {
	w := newWorld(t)
	arn := w.connection(t, "git_hub")
	for _, sealed := range []string{"first", "second"} {
		if err := w.authorize(t, arn, sealed); err != nil {
			t.Fatal(err)
		}
		if got := w.credential(t, arn); string(got.Sealed) != sealed {
			t.Errorf("the credential is %q, want %q", got.Sealed, sealed)
		}
		wantList(t, w.connections(t, nil), "git_hub GITHUB AVAILABLE")
	}
	if _, err := w.DeleteConnection(t.Context(), caller, &api.DeleteConnectionRequest{ConnectionArn: arn}); err != nil {
		t.Fatal(err)
	}
	if got := w.credential(t, arn); got != nil {
		t.Error("a deleted connection keeps its credential")
	}
	wantKind(t, w.authorize(t, arn, "third"), api.KindNotFound, "is deleted")
}

func TestAuthorizeConnection_ShowsNoCredentialInAnAnswer(t *testing.T) {
	w := newWorld(t)
	arn := w.connection(t, "git_hub")
	if err := w.authorize(t, arn, "planted"); err != nil {
		t.Fatal(err)
	}
	list, err := w.ListConnections(t.Context(), caller, &api.ListConnectionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	gone, err := w.DeleteConnection(t.Context(), caller, &api.DeleteConnectionRequest{ConnectionArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range []any{list, gone} {
		text, err := json.Marshal(answer)
		if err != nil || strings.Contains(string(text), "Credential") || strings.Contains(string(text), "Sealed") {
			t.Errorf("answer %s, %v shows the credential", text, err)
		}
	}
}
