package prompt_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPrompt_BuildsACommand(t *testing.T) {
	s := start(t, nil, "--cli-auto-prompt")
	s.see("> aws", "apprunner", "AWS App Runner", "[ENTER] Autocomplete Choice/Execute Command")
	s.press("appr" + tab)
	s.see("> aws apprunner\n")
	s.press(" pause" + tab)
	s.see("> aws apprunner pause-service\n")
	s.press(" ")
	s.see("--service-arn (required)  [string]", "!--cli-auto-prompt", "!--no-cli-auto-prompt")
	s.press(tab + " ")
	s.see(arn+"one/1", "PAUSED")
	s.press("TWO" + tab)
	s.see("> aws apprunner pause-service --service-arn " + arn + "two/2\n")
	s.press(enter)
	s.see("!PAUSED")
	s.press(enter)
	s.see(`ARGS ["apprunner" "pause-service" "--service-arn" "`+arn+`two/2"]`, "!ENTER")
	s.ends(0)
}

// TestPrompt_TakesKeysAheadOfItsMenus has a fast typist's keys arrive before the menus that they choose from.
func TestPrompt_TakesKeysAheadOfItsMenus(t *testing.T) {
	s := start(t, nil)
	s.press("appr" + tab + " pau" + tab + " --serv" + tab + " two" + tab + enter)
	s.see("> aws apprunner pause-service --service-arn "+arn+"two/2\n", "!PAUSED")
	s.press(enter)
	s.see(`ARGS ["apprunner" "pause-service" "--service-arn" "` + arn + `two/2"]`)
	s.ends(0)
}

func TestPrompt_BeginsWithTheArgumentsGiven(t *testing.T) {
	s := start(t, nil, "apprunner", "--cli-auto-prompt", "tag-resource", "--resource-arn", "it's a name")
	s.see(`> aws apprunner tag-resource --resource-arn 'it'"'"'s a name'`, "--tags (required)")
	s.press("--outp" + tab)
	s.see("--output")
	s.press(" te" + tab)
	s.see("--output text")
	s.press(enter + enter)
	s.see(`ARGS ["apprunner" "tag-resource" "--resource-arn" "it's a name" "--output" "text"]`)
	s.ends(0)
}

func TestPrompt_LeavesTheTerminalAsItWas(t *testing.T) {
	for name, leave := range map[string]func(*terminal){
		"Ctrl-C":  func(s *terminal) { s.press(ctrlC) },
		"Ctrl-D":  func(s *terminal) { s.press(ctrlD) },
		"SIGINT":  func(s *terminal) { s.cmd.Process.Signal(os.Interrupt) },
		"SIGTERM": func(s *terminal) { s.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil)
			s.see("> aws", "AWS App Runner")
			s.press("appr")
			s.see("> aws appr\n", "apprunner")
			leave(s)
			s.ends(130)
			if text := s.see("> aws appr\n", "!ENTER", "!apprunner"); strings.TrimSpace(text) != "> aws appr" {
				t.Errorf("the screen is left with:\n%s", text)
			}
		})
	}
}

// TestPrompt_SurvivesAPanic has the function that gives the help panic.
func TestPrompt_SurvivesAPanic(t *testing.T) {
	s := start(t, nil, "panic")
	s.see("> aws panic")
	s.press(f3)
	s.ends(255)
	s.see("ERROR", "panic")
}

func TestPrompt_WalksThroughTheMenu(t *testing.T) {
	s := start(t, nil, "apprunner")
	s.see("associate-custom-domain", "create-connection")
	s.press(down + tab)
	s.see("> aws apprunner create-auto-scaling-configuration\n")
	s.press(shiftTab + up)
	s.see("> aws apprunner\n") // none is chosen
	s.press(up)
	s.see("> aws apprunner update-vpc-ingress-connection\n")
	s.press(esc)
	s.see("> aws apprunner\n", "!associate-custom-domain")
	s.press(tab)
	s.see("> aws apprunner associate-custom-domain\n")
	s.press("\x17list-s")
	s.see("list-services-for-auto-scaling-configuration")
	s.press(tab + enter)
	s.see("> aws apprunner list-services\n", "!list-services-for")
	s.press(enter)
	s.see(`ARGS ["apprunner" "list-services"]`)
	s.ends(0)
}

func TestPrompt_KeepsItsHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cli", "cache", "prompt_history.json")
	env := []string{"PROMPT_TEST_HISTORY=" + path}
	for _, args := range [][]string{{"apprunner", "list-services", "--no-paginate"}, {"apprunner", "zzz"}} {
		s := start(t, env, args...)
		s.see("> aws " + strings.Join(args, " "))
		s.press(esc)
		s.press(home + "\x05") // to the begin and the end of the line: no menu is left
		s.see("!--output")
		s.press(enter)
		s.see("ARGS")
		s.ends(0)
	}
	text, err := os.ReadFile(path)
	if want := `{"version":1,"commands":["apprunner list-services --no-paginate ","apprunner zzz "]}`; err != nil || string(text) != want {
		t.Fatalf("the file holds %s (%v), want %s", text, err, want)
	}
	s := start(t, env)
	s.see("AWS App Runner")
	s.press("x")
	s.see("!AWS App Runner")
	s.press(up + up)
	s.see("> aws apprunner list-services --no-paginate\n")
	s.press(down + down)
	s.see("> aws x\n")
	s.press("\x15" + ctrlR)
	s.see("bck-i-search", " apprunner zzz", " apprunner list-services --no-paginate")
	s.press("lsv" + tab)
	s.see("> aws apprunner list-services --no-paginate\n", "!zzz")
	s.press(enter)
	s.see("!bck-i-search")
	s.press(enter)
	s.see(`ARGS ["apprunner" "list-services" "--no-paginate"]`)
	s.ends(0)
}

func TestPrompt_ShowsPanels(t *testing.T) {
	s := start(t, nil, "apprunner", "pause-service", "--debug")
	s.see("--service-arn (required)")
	s.press(f3)
	s.see("|Doc panel|", "Help of [apprunner pause-service]", "!the end of it")
	s.press(f2)
	s.see("[q] Focus on Input")
	s.press("G")
	s.see("the end of it", "!Help of")
	s.press("/HELP OF\r")
	s.see("Help of [apprunner pause-service]")
	s.press("jjk")
	s.see("!Help of")
	s.press("q" + f5)
	s.see("|Doc panel|", "│", "|Output panel|", "Output of [apprunner pause-service]")
	s.press(f3)
	s.see("!Doc panel", "Output of [apprunner pause-service]")
	s.press(f5 + f1)
	s.see("!Output panel", "[CONTROL+R] On/Off bck-i-search")
	s.press(f1 + ctrlC)
	s.ends(130)
}

func TestPrompt_ShowsColumns(t *testing.T) {
	s := start(t, nil, "apprunner")
	s.see("associate-custom-domain", "!pause-service")
	s.press(f4)
	s.see("associate-custom-domain", "pause-service")
	s.press(tab)
	s.see("> aws apprunner associate-custom-domain\n")
	s.press(ctrlC)
	s.ends(130)
}

// TestPrompt_FollowsTheSizeOfTheTerminal makes the terminal small and tiny while the prompt is open, and large again.
func TestPrompt_FollowsTheSizeOfTheTerminal(t *testing.T) {
	s := start(t, nil, "apprunner")
	s.see("associate-custom-domain", "[F5] Hide/Show Output")
	s.resize(30, 8)
	s.see("> aws apprunner", "associate-custom-domain", "────", "!Hide/Show Output")
	s.press("pause-service --service-arn abcdefghijklmnopq")
	s.see("> aws apprunner pause-service\n--service-arn abcdefghijklmnop\nq")
	s.resize(12, 4)
	s.see("mnop\nq\n")
	for _, size := range [][2]int{{1, 1}, {2, 2}, {3, 1}, {1, 30}} {
		s.resize(size[0], size[1])
		s.press(f3 + f5 + f1 + f4 + left)
	}
	s.resize(120, 30)
	s.see("> aws apprunner pause-service --service-arn abcdefghijklmnopq\n")
	s.press(enter)
	s.see(`ARGS ["apprunner" "pause-service" "--service-arn" "abcdefghijklmnopq"]`)
	s.ends(0)
}

func TestPrompt_EditsEveryCharacterAsOne(t *testing.T) {
	s := start(t, nil, "x")
	s.see("> aws x")
	s.press("日本語")
	s.see("> aws x 日本語\n")
	s.press(left + "\x7f")
	s.see("> aws x 日語\n")
	s.press("\x05👩‍🚀e\u0301")
	s.see("e\u0301\n")
	s.press("\x7f\x7f")
	s.see("> aws x 日語\n")
	s.press("\x1b[D\x1b[Dé\x05 a b\x17\x19\x15\x19" + "\x01\x06\x0b\x19" + enter)
	s.see(`ARGS ["x" "é日語" "a" "b"]`)
	s.ends(0)
}

func TestPrompt_TakesWhatIsPasted(t *testing.T) {
	s := start(t, nil)
	s.see("> aws", "AWS App Runner")
	s.press("\x1b[200~apprunner zzz\n--x 'a\tb'\n\x1b[201~")
	s.see("> aws apprunner zzz --x 'a b'\n")
	s.press(enter)
	s.see(`ARGS ["apprunner" "zzz" "--x" "a b"]`)
	s.ends(0)
}

func TestPrompt_NamesFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "some", "inner"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := start(t, nil, "apprunner", "create-service", "--tags", "file://"+dir+"/so")
	s.see(" some/")
	s.press(tab + enter)
	s.see(" inner/")
	s.press(ctrlC)
	s.ends(130)
}

func TestPrompt_RefusesOpenQuotes(t *testing.T) {
	s := start(t, nil, "x")
	s.see("> aws x")
	s.press("'a" + enter)
	s.see("> aws x 'a\n", "ERROR No closing quotation")
	s.ends(255)
}

func TestPrompt_DrawsWithoutColour(t *testing.T) {
	s := start(t, []string{"NO_COLOR=1"}, "apprunner")
	s.see("associate-custom-domain", "[ENTER]")
	s.press(tab + ctrlC)
	s.ends(130)
	for _, colour := range []string{"\x1b[36m", "\x1b[31", "\x1b[38"} {
		if strings.Contains(s.raw.String(), colour) {
			t.Errorf("%q was written", colour)
		}
	}
}

func TestPrompt_ReadsALineFromADumbTerminal(t *testing.T) {
	s := start(t, []string{"TERM=dumb"}, "apprunner", "--cli-auto-prompt")
	s.see("> aws apprunner")
	s.press("pausx\x7fe-service\r")
	s.see(`ARGS ["apprunner" "pause-service"]`)
	s.ends(0)
	if raw := s.raw.String(); strings.Contains(raw, "\x1b") {
		t.Errorf("a dumb terminal was sent %q", raw)
	}
	s = start(t, []string{"TERM=dumb"}, "apprunner")
	s.see("> aws apprunner")
	s.press(ctrlC)
	s.ends(130)
}

// TestPrompt_DrawsOnTheTerminalNotIntoAFile has standard output be a file, as in `aws --cli-auto-prompt > out`.
func TestPrompt_DrawsOnTheTerminalNotIntoAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := run(t, []string{"PROMPT_TEST=1"}, exec.CommandContext(t.Context(), "sh", "-c", `"$0" apprunner > "$1"`, self, path))
	s.see("> aws apprunner", "associate-custom-domain")
	s.press("zz")
	s.see("!associate-custom-domain")
	s.press(enter)
	s.ends(0)
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
