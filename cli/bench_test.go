package cli_test

import (
	"os"
	"testing"

	"apron/cli"
)

// BenchmarkRun is a whole run of the command line in this process, from its words to its output: what a script pays for
// beside the start of a process.
func BenchmarkRun(b *testing.B) {
	s := serve(b, map[string]string{"AppRunner.PauseService": `{"OperationId":"1","Service":{"Status":"OPERATION_IN_PROGRESS"}}`})
	l := newLine(b, nil)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	p := cli.Program{
		Args: []string{
			"apprunner", "pause-service", "--service-arn", arn, "--query", "Service.Status", "--output", "text", "--endpoint-url", s.URL,
		},
		LookupEnv: l.lookup, Environ: l.environ, Stdin: null, Stdout: null, Stderr: null, Version: "test",
	}
	b.ReportAllocs()
	for b.Loop() {
		if code := p.Run(b.Context()); code != 0 {
			b.Fatalf("exit code %d", code)
		}
	}
}
