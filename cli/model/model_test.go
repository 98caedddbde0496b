package model_test

import (
	"reflect"
	"testing"

	"apron/api"
	"apron/cli/model"
)

func TestRead_KeepsTheModel(t *testing.T) {
	s, err := model.Read("apprunner", api.Model)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Operations) != len(api.Actions) || s.TargetPrefix != "AppRunner" || s.SigningName != "apprunner" || s.JSONVersion != "1.0" {
		t.Errorf("got %d operations, target %s, signed for %s, version %s", len(s.Operations), s.TargetPrefix, s.SigningName, s.JSONVersion)
	}
	create := s.Operation("create-service")
	if create == nil || create.Name != "CreateService" || !create.Input.IsRequired("ServiceName") || create.Input.IsRequired("Tags") {
		t.Fatalf("create-service is %+v", create)
	}
	if first, second := create.Input.Members[0].Name, create.Input.Members[1].Name; first != "ServiceName" || second != "SourceConfiguration" {
		t.Errorf("the members begin with %s and %s, not in the order of the file", first, second)
	}
	if tags := create.Input.Member("Tags"); tags.Type != "list" || tags.Elem.Member("Key") == nil {
		t.Errorf("Tags is %+v", tags)
	}
	if s.Operation("no-such") != nil || create.Input.Member("NoSuch") != nil {
		t.Error("what is not there was found")
	}
}

func TestTables_AreTheModels(t *testing.T) {
	for table, text := range map[*model.Service][]byte{model.AppRunner: api.Model, model.Apron: api.OwnModel} {
		read, err := model.Read(table.Name, text)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(table, read) {
			t.Errorf("the table of %s is not its model: run go generate ./cli/model", table.Name)
		}
	}
}

// TestRead_TakesTheOwnModelByItself also wants a sentence on everything that a user can be shown.
func TestRead_TakesTheOwnModelByItself(t *testing.T) {
	s, err := model.Read("apron", api.OwnModel)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Operations) != len(api.OwnActions) || s.TargetPrefix != "Apron" || s.SigningName != "apprunner" {
		t.Errorf("got %d operations, target %s, signed for %s", len(s.Operations), s.TargetPrefix, s.SigningName)
	}
	documented := map[*model.Shape]bool{nil: true}
	var want func(s *model.Shape)
	want = func(s *model.Shape) {
		if documented[s] {
			return
		}
		documented[s] = true
		want(s.Elem)
		for _, m := range s.Members {
			if m.Doc == "" {
				t.Errorf("%s.%s has no documentation", s.Name, m.Name)
			}
			want(m.Shape)
		}
	}
	for _, op := range s.Operations {
		if op.Doc == "" {
			t.Errorf("%s has no documentation", op.Name)
		}
		want(op.Input)
		want(op.Output)
	}
}

func TestHyphenate(t *testing.T) {
	for name, want := range map[string]string{
		"PauseService":       "pause-service",
		"EnableWWWSubdomain": "enable-www-subdomain",
		"DNSTarget":          "dns-target",
		"VpcDNSTargets":      "vpc-dns-targets",
		"ARN":                "arn",
		"CreateVpcConnector": "create-vpc-connector",
		"ListServicesForAutoScalingConfiguration": "list-services-for-auto-scaling-configuration",
	} {
		if got := model.Hyphenate(name); got != want {
			t.Errorf("%s became %s, want %s", name, got, want)
		}
	}
}

func TestRead_RefusesWhatIsNoModel(t *testing.T) {
	for _, text := range []string{`{`, `{"operations":{"A":{"input":"Gone","output":"Gone"}},"shapes":{}}`} {
		if _, err := model.Read("x", []byte(text)); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}
