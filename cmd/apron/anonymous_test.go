package main_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"

	"apron/aprontest"
)

// TestAllowAnonymous_ActsForTheDirectorysAccount wants an unsigned client to make what it and a signed one can then find.
func TestAllowAnonymous_ActsForTheDirectorysAccount(t *testing.T) {
	w := &world{T: t, data: filepath.Join(t.TempDir(), "data")}
	p, err := aprontest.Start(t.Context(), programs.apron, w.data, nil, "--allow-anonymous")
	if err != nil {
		t.Fatal(err)
	}
	w.platform, w.client = p, apprunner.New(apprunner.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(p.APIURL()), Credentials: aws.AnonymousCredentials{},
	})
	t.Cleanup(w.stop)
	if err := createWith(w.registry()+"/nothing:1", nil)(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	w.ends("FAILED")
	for who, client := range map[string]*apprunner.Client{"unsigned": w.client, "signed": p.Client()} {
		out, err := client.DescribeService(t.Context(), &apprunner.DescribeServiceInput{ServiceArn: &w.arn})
		if err != nil || !strings.HasPrefix(*out.Service.ServiceArn, "arn:aws:apprunner:us-east-1:") {
			t.Errorf("%s: %v, %v", who, out, err)
		}
	}
	if err := remove(t.Context(), w); err != nil {
		t.Error(err)
	}
}
