package prompt_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"apron/aprontest/terminal"
)

func TestPrompt_BuildsACommand(t *testing.T) {
	s := start(t, nil, "--cli-auto-prompt")
	s.See("> aws", "apprunner", "AWS App Runner", "[ENTER] Autocomplete Choice/Execute Command")
	s.Press("appr" + tab)
	s.See("> aws apprunner\n")
	s.Press(" pause" + tab)
	s.See("> aws apprunner pause-service\n")
	s.Press(" ")
	s.See("--service-arn (required)  [string]", "!--cli-auto-prompt", "!--no-cli-auto-prompt")
	s.Press(tab + " ")
	s.See(arn+"one/1", "PAUSED")
	s.Press("TWO" + tab)
	s.See("> aws apprunner pause-service --service-arn " + arn + "two/2\n")
	s.Press(enter)
	s.See("!PAUSED")
	s.Press(enter)
	s.See(`ARGS ["apprunner" "pause-service" "--service-arn" "`+arn+`two/2"]`, "!ENTER")
	s.Ends(0)
}

// TestPrompt_TakesKeysAheadOfItsMenus has a fast typist's keys arrive before the menus that they choose from.
func TestPrompt_TakesKeysAheadOfItsMenus(t *testing.T) {
	s := start(t, nil)
	s.Press("appr" + tab + " pau" + tab + " --serv" + tab + " two" + tab + enter)
	s.See("> aws apprunner pause-service --service-arn "+arn+"two/2\n", "!PAUSED")
	s.Press(enter)
	s.See(`ARGS ["apprunner" "pause-service" "--service-arn" "` + arn + `two/2"]`)
	s.Ends(0)
}

func TestPrompt_BeginsWithTheArgumentsGiven(t *testing.T) {
	s := start(t, nil, "apprunner", "--cli-auto-prompt", "tag-resource", "--resource-arn", "it's a name")
	s.See(`> aws apprunner tag-resource --resource-arn 'it'"'"'s a name'`, "--tags (required)")
	s.Press("--outp" + tab)
	s.See("--output")
	s.Press(" te" + tab)
	s.See("--output text")
	s.Press(enter + enter)
	s.See(`ARGS ["apprunner" "tag-resource" "--resource-arn" "it's a name" "--output" "text"]`)
	s.Ends(0)
}

func TestPrompt_LeavesTheTerminalAsItWas(t *testing.T) {
	for name, leave := range map[string]func(*terminal.Terminal){
		"Ctrl-C":  func(s *terminal.Terminal) { s.Press(ctrlC) },
		"Ctrl-D":  func(s *terminal.Terminal) { s.Press(ctrlD) },
		"SIGINT":  func(s *terminal.Terminal) { s.Cmd.Process.Signal(os.Interrupt) },
		"SIGTERM": func(s *terminal.Terminal) { s.Cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil)
			s.See("> aws", "AWS App Runner")
			s.Press("appr")
			s.See("> aws appr\n", "apprunner")
			leave(s)
			s.Ends(130)
			if text := s.See("> aws appr\n", "!ENTER", "!apprunner"); strings.TrimSpace(text) != "> aws appr" {
				t.Errorf("the screen is left with:\n%s", text)
			}
		})
	}
}

// TestPrompt_SurvivesAPanic has the function that gives the help panic.
func TestPrompt_SurvivesAPanic(t *testing.T) {
	s := start(t, nil, "panic")
	s.See("> aws panic")
	s.Press(f3)
	s.Ends(255)
	s.See("ERROR", "panic")
}

func TestPrompt_WalksThroughTheMenu(t *testing.T) {
	s := start(t, nil, "apprunner")
	s.See("associate-custom-domain", "create-connection")
	s.Press(down + tab)
	s.See("> aws apprunner create-auto-scaling-configuration\n")
	s.Press(shiftTab + up)
	s.See("> aws apprunner\n") // none is chosen
	s.Press(up)
	s.See("> aws apprunner update-vpc-ingress-connection\n")
	s.Press(esc)
	s.See("> aws apprunner\n", "!associate-custom-domain")
	s.Press(tab)
	s.See("> aws apprunner associate-custom-domain\n")
	s.Press("\x17list-s")
	s.See("list-services-for-auto-scaling-configuration")
	s.Press(tab + enter)
	s.See("> aws apprunner list-services\n", "!list-services-for")
	s.Press(enter)
	s.See(`ARGS ["apprunner" "list-services"]`)
	s.Ends(0)
}

func TestPrompt_KeepsItsHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cli", "cache", "prompt_history.json")
	env := []string{"PROMPT_TEST_HISTORY=" + path}
	for _, args := range [][]string{{"apprunner", "list-services", "--no-paginate"}, {"apprunner", "zzz"}} {
		s := start(t, env, args...)
		s.See("> aws " + strings.Join(args, " "))
		s.Press(esc)
		s.Press(home + "\x05") // to the begin and the end of the line: no menu is left
		s.See("!--output")
		s.Press(enter)
		s.See("ARGS")
		s.Ends(0)
	}
	text, err := os.ReadFile(path)
	if want := `{"version":1,"commands":["apprunner list-services --no-paginate ","apprunner zzz "]}`; err != nil || string(text) != want {
		t.Fatalf("the file holds %s (%v), want %s", text, err, want)
	}
	s := start(t, env)
	s.See("AWS App Runner")
	s.Press("x")
	s.See("!AWS App Runner")
	s.Press(up + up)
	s.See("> aws apprunner list-services --no-paginate\n")
	s.Press(down + down)
	s.See("> aws x\n")
	s.Press("\x15" + ctrlR)
	s.See("bck-i-search", " apprunner zzz", " apprunner list-services --no-paginate")
	s.Press("lsv" + tab)
	s.See("> aws apprunner list-services --no-paginate\n", "!zzz")
	s.Press(enter)
	s.See("!bck-i-search")
	s.Press(enter)
	s.See(`ARGS ["apprunner" "list-services" "--no-paginate"]`)
	s.Ends(0)
}

func TestPrompt_ShowsPanels(t *testing.T) {
	s := start(t, nil, "apprunner", "pause-service", "--debug")
	s.See("--service-arn (required)")
	s.Press(f3)
	s.See("|Doc panel|", "Help of [apprunner pause-service]", "!the end of it")
	s.Press(f2)
	s.See("[q] Focus on Input")
	s.Press("G")
	s.See("the end of it", "!Help of")
	s.Press("/HELP OF\r")
	s.See("Help of [apprunner pause-service]")
	s.Press("jjk")
	s.See("!Help of")
	s.Press("q" + f5)
	s.See("|Doc panel|", "│", "|Output panel|", "Output of [apprunner pause-service]")
	s.Press(f3)
	s.See("!Doc panel", "Output of [apprunner pause-service]")
	s.Press(f5 + f1)
	s.See("!Output panel", "[CONTROL+R] On/Off bck-i-search")
	s.Press(f1 + ctrlC)
	s.Ends(130)
}

func TestPrompt_ShowsColumns(t *testing.T) {
	s := start(t, nil, "apprunner")
	s.See("associate-custom-domain", "!pause-service")
	s.Press(f4)
	s.See("associate-custom-domain", "pause-service")
	s.Press(tab)
	s.See("> aws apprunner associate-custom-domain\n")
	s.Press(ctrlC)
	s.Ends(130)
}

// TestPrompt_FollowsTheSizeOfTheTerminal makes the terminal small and tiny while the prompt is open, and large again.
func TestPrompt_FollowsTheSizeOfTheTerminal(t *testing.T) {
	s := start(t, nil, "apprunner")
	s.See("associate-custom-domain", "[F5] Hide/Show Output")
	s.Resize(30, 8)
	s.See("> aws apprunner", "associate-custom-domain", "────", "!Hide/Show Output")
	s.Press("pause-service --service-arn abcdefghijklmnopq")
	s.See("> aws apprunner pause-service\n--service-arn abcdefghijklmnop\nq")
	s.Resize(12, 4)
	s.See("mnop\nq\n")
	for _, size := range [][2]int{{1, 1}, {2, 2}, {3, 1}, {1, 30}} {
		s.Resize(size[0], size[1])
		s.Press(f3 + f5 + f1 + f4 + left)
	}
	s.Resize(120, 30)
	s.See("> aws apprunner pause-service --service-arn abcdefghijklmnopq\n")
	s.Press(enter)
	s.See(`ARGS ["apprunner" "pause-service" "--service-arn" "abcdefghijklmnopq"]`)
	s.Ends(0)
}

func TestPrompt_EditsEveryCharacterAsOne(t *testing.T) {
	s := start(t, nil, "x")
	s.See("> aws x")
	s.Press("日本語")
	s.See("> aws x 日本語\n")
	s.Press(left + "\x7f")
	s.See("> aws x 日語\n")
	s.Press("\x05👩‍🚀e\u0301")
	s.See("e\u0301\n")
	s.Press("\x7f\x7f")
	s.See("> aws x 日語\n")
	s.Press("\x1b[D\x1b[Dé\x05 a b\x17\x19\x15\x19" + "\x01\x06\x0b\x19" + enter)
	s.See(`ARGS ["x" "é日語" "a" "b"]`)
	s.Ends(0)
}

func TestPrompt_TakesWhatIsPasted(t *testing.T) {
	s := start(t, nil)
	s.See("> aws", "AWS App Runner")
	s.Press("\x1b[200~apprunner zzz\n--x 'a\tb'\n\x1b[201~")
	s.See("> aws apprunner zzz --x 'a b'\n")
	s.Press(enter)
	s.See(`ARGS ["apprunner" "zzz" "--x" "a b"]`)
	s.Ends(0)
}

func TestPrompt_NamesFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "some", "inner"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := start(t, nil, "apprunner", "create-service", "--tags", "file://"+dir+"/so")
	s.See(" some/")
	s.Press(tab + enter)
	s.See(" inner/")
	s.Press(ctrlC)
	s.Ends(130)
}

func TestPrompt_RefusesOpenQuotes(t *testing.T) {
	s := start(t, nil, "x")
	s.See("> aws x")
	s.Press("'a" + enter)
	s.See("> aws x 'a\n", "ERROR No closing quotation")
	s.Ends(255)
}

func TestPrompt_DrawsWithoutColour(t *testing.T) {
	s := start(t, []string{"NO_COLOR=1"}, "apprunner")
	s.See("associate-custom-domain", "[ENTER]")
	s.Press(tab + ctrlC)
	s.Ends(130)
	for _, colour := range []string{"\x1b[36m", "\x1b[31", "\x1b[38"} {
		if strings.Contains(s.Raw(), colour) {
			t.Errorf("%q was written", colour)
		}
	}
}

func TestPrompt_ReadsALineFromADumbTerminal(t *testing.T) {
	s := start(t, []string{"TERM=dumb"}, "apprunner", "--cli-auto-prompt")
	s.See("> aws apprunner")
	s.Press("pausx\x7fe-service\r")
	s.See(`ARGS ["apprunner" "pause-service"]`)
	s.Ends(0)
	if raw := s.Raw(); strings.Contains(raw, "\x1b") {
		t.Errorf("a dumb terminal was sent %q", raw)
	}
	s = start(t, []string{"TERM=dumb"}, "apprunner")
	s.See("> aws apprunner")
	s.Press(ctrlC)
	s.Ends(130)
}

// TestPrompt_DrawsOnTheTerminalNotIntoAFile has standard output be a file, as in `aws --cli-auto-prompt > out`.
func TestPrompt_DrawsOnTheTerminalNotIntoAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := terminal.Start(t, exec.CommandContext(t.Context(), "sh", "-c", `"$0" apprunner > "$1"`, self, path), "PROMPT_TEST=1")
	s.See("> aws apprunner", "associate-custom-domain")
	s.Press("zz")
	s.See("!associate-custom-domain")
	s.Press(enter)
	s.Ends(0)
	text, err := os.ReadFile(path)
	if want := "> aws apprunner zz\nARGS [\"apprunner\" \"zz\"]\n"; err != nil || string(text) != want {
		t.Errorf("the file holds %q (%v), want %q", text, err, want)
	}
}

func TestPrompt_ReadsWithoutATerminal(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "apprunner", "pau")
	cmd.Env, cmd.Stdin = append(os.Environ(), "PROMPT_TEST=1"), strings.NewReader("se-service\n")
	if out, err := cmd.Output(); err != nil || string(out) != "> aws apprunner pause-service\nARGS [\"apprunner\" \"pause-service\"]\n" {
		t.Errorf("a word that was begun becomes %q, %v", out, err)
	}
	for in, want := range map[string]struct {
		code        int
		out, errors string
	}{
		"":                     {255, "ERROR the input ended before a command was chosen\n", ""},
		"zz":                   {255, "ERROR the input ended before a command was chosen\n", ""},
		"zz\x03":               {130, "", "> aws apprunner zz\n"},
		"zzz\x7f y\rthe rest":  {0, "> aws apprunner zz y\nARGS [\"apprunner\" \"zz\" \"y\"]\n", ""},
		"z\t\x00z 'é'\nmore\n": {0, "> aws apprunner zz 'é'\nARGS [\"apprunner\" \"zz\" \"é\"]\n", ""},
	} {
		cmd := exec.CommandContext(t.Context(), self, "apprunner", "--cli-auto-prompt")
		cmd.Env = append(os.Environ(), "PROMPT_TEST=1")
		cmd.Stdin = strings.NewReader(in)
		var out, errors strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errors
		cmd.Run()
		want.errors = "Warning: Input is not a terminal (fd=0).\n" + want.errors
		if cmd.ProcessState.ExitCode() != want.code || out.String() != want.out || errors.String() != want.errors {
			t.Errorf("%q: exit code %d, %q and %q, want %+v", in, cmd.ProcessState.ExitCode(), out.String(), errors.String(), want)
		}
	}
}
