package api

import "testing"

func TestIsSecret_TakesARNsAndNames(t *testing.T) {
	for value, want := range map[string]bool{
		"arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf":            true,
		"arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf:password::": true,
		"arn:aws-cn:ssm:cn-north-1:111122223333:parameter/db/password":              true,
		"/db/password":        true,
		"db_password.v1":      true,
		"":                    false,
		"a b":                 false,
		"arn:aws:s3:::bucket": false,
		"arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf:password": false,
		"arn:aws:ssm:us-east-1:1111:parameter/db":                                 false,
		"/db\n/password": false,
	} {
		if got := IsSecret(value); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}
