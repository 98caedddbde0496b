package recipe

import (
	"errors"
	"strings"
	"testing"
)

var known = []Runtime{{"python3", true}, {"python311", false}, {"nodejs18", false}, {"nodejs22", false}, {"go1", true}}

// least is the least that an apprunner.yaml holds.
const least = `version: 1.0
runtime: python311
build:
  commands:
    build:
      - pip3 install -r requirements.txt -t .
run:
  command: python3 app.py
`

// with is the least file with the lines below the key run added to it.
func with(lines ...string) string { return least + "  " + strings.Join(lines, "\n  ") + "\n" }

// building is the least file with other commands.
func building(lines ...string) string {
	return "version: 1.0\nruntime: python311\nbuild:\n  " + strings.Join(lines, "\n  ") + "\nrun:\n  command: ./app\n"
}

func TestParse_SaysEachFaultWithItsPlaceAndWhatToWrite(t *testing.T) {
	tests := map[string]struct {
		file string
		want []string
	}{
		"empty": {"", []string{
			"apprunner.yaml: the file is empty. Give at least version, runtime, build and run."}},
		"comments alone": {"# soon\n", []string{
			"apprunner.yaml: the file is empty. Give at least version, runtime, build and run."}},
		"a list": {"- version: 1.0\n", []string{
			"apprunner.yaml:1:1: the file has to be a map with version, runtime, build and run, and is a list."}},
		"null": {"~\n", []string{
			"apprunner.yaml:1:1: the file has to be a map with version, runtime, build and run, and is empty."}},
		"nothing of what is required": {"{}\n", []string{
			"apprunner.yaml:1:1: the file has no version. Write `version: 1.0`.",
			"apprunner.yaml:1:1: the file has no runtime. Name the managed runtime to build on, such as `runtime: python311`.",
			"apprunner.yaml:1:1: the file has no build. Add `build:` and in it `commands:` with what builds the program.",
			"apprunner.yaml:1:1: the file has no run. Add `run:` and in it `command:` with what starts the program."}},
		"required keys without values": {"version:\nruntime: go1\nbuild:\n  commands:\n    build:\nrun:\n  command:\n", []string{
			"apprunner.yaml:1:9: version in the file has no value. Write `version: 1.0`.",
			"apprunner.yaml:5:11: build in build.commands has no value. List what builds the program, or write `build: []` when there is nothing to build.",
			"apprunner.yaml:7:11: command in run has no value. Write what starts the program, such as `command: python3 app.py`."}},
		"sections without what they need": {"version: 1.0\nruntime: go1\nbuild:\n  env: []\nrun:\n  network:\n    port: 80\n", []string{
			"apprunner.yaml:4:3: build has no commands. Add `commands:` and in it `build:` with what builds the program.",
			"apprunner.yaml:6:3: run has no command. Write what starts the program, such as `command: python3 app.py`."}},
		"no build commands": {building("commands:", "  pre-build: [make]"), []string{
			"apprunner.yaml:5:5: build.commands has no build. List what builds the program, or write `build: []` when there is nothing to build."}},
		"another version": {strings.Replace(least, "1.0", "2.0", 1), []string{
			"apprunner.yaml:1:10: version is \"2.0\", and 1.0 is the only one there is. Write `version: 1.0`."}},
		"half a version": {strings.Replace(least, "1.0", "1", 1), []string{
			"apprunner.yaml:1:10: version is \"1\", and 1.0 is the only one there is. Write `version: 1.0`."}},
		"unknown runtime": {strings.Replace(least, "python311", "rust1", 1), []string{
			"apprunner.yaml:2:10: there is no runtime \"rust1\". There are python3, python311, nodejs18, nodejs22 and go1."}},
		"runtime as the API has it": {strings.Replace(least, "python311", "PYTHON_311", 1), []string{
			"apprunner.yaml:2:10: there is no runtime \"PYTHON_311\". Did you mean python311? There are python3, python311, nodejs18, nodejs22 and go1."}},
		"runtime without its number": {strings.Replace(least, "python311", "nodejs", 1), []string{
			"apprunner.yaml:2:10: there is no runtime \"nodejs\". Did you mean nodejs22? There are python3, python311, nodejs18, nodejs22 and go1."}},
		"Dockerfile": {strings.Replace(least, "python311", "dockerfile", 1), []string{
			"apprunner.yaml:2:10: apron doesn't build Dockerfiles. Push the image that yours makes and deploy it with an ImageRepository, or name a managed runtime."}},
		"keys that are nearly right": {"Version: 1.0\nversion: 1.0\nruntime: go1\nbuild:\n  comands: {}\n  commands:\n    pre_build: []\n    build: []\n    postBuild: []\nrun:\n  command: ./app\n  runtimeVersion: 1\n  secret: []\n", []string{
			"apprunner.yaml:1:1: \"Version\" in the file means nothing. Did you mean version?",
			"apprunner.yaml:5:3: \"comands\" in build means nothing. Did you mean commands?",
			"apprunner.yaml:7:5: \"pre_build\" in build.commands means nothing. Did you mean pre-build?",
			"apprunner.yaml:9:5: \"postBuild\" in build.commands means nothing. Did you mean post-build?",
			"apprunner.yaml:12:3: \"runtimeVersion\" in run means nothing. Did you mean runtime-version?",
			"apprunner.yaml:13:3: \"secret\" in run means nothing. Did you mean secrets?"}},
		"keys in the wrong place": {"env: []\nversion: 1.0\nruntime: go1\nbuild:\n  commands:\n    build: []\n    pre-run: []\n  secrets: []\nrun:\n  command: ./app\n  port: 80\n  runtime: go1\n", []string{
			"apprunner.yaml:1:1: \"env\" in the file means nothing. It belongs in build or run or run.network.",
			"apprunner.yaml:7:5: \"pre-run\" in build.commands means nothing. It belongs in run.",
			"apprunner.yaml:8:3: \"secrets\" in build means nothing. It belongs in run.",
			"apprunner.yaml:11:3: \"port\" in run means nothing. It belongs in run.network.",
			"apprunner.yaml:12:3: \"runtime\" in run means nothing. It belongs at the top of the file, without indentation."}},
		"keys of nobody": {with("network:", "  interface: eth0", "? [a]", ": b"), []string{
			"apprunner.yaml:10:5: \"interface\" in run.network means nothing. There can be port and env.",
			"apprunner.yaml:11:5: a key of run is a list. Keys are plain words here."}},
		"keys twice": {with("command: ./other", "network: {port: 80, port: 81}"), []string{
			"apprunner.yaml:9:3: command is in run twice. Keep one of them.",
			"apprunner.yaml:10:23: port is in run.network twice. Keep one of them."}},
		"commands as a text": {building("commands:", "  build: make && make install"), []string{
			"apprunner.yaml:5:12: build.commands.build has to be a list of commands, and is a text. Write each command on a line of its own, after a dash: `- npm ci`."}},
		"commands that are none": {building("commands:", "  build:", "    - echo done: yes", "    - ", "    - '  '", "    - [make, install]", "    - !Ref make", `    - "a\0b"`), []string{
			"apprunner.yaml:6:9: command 1 of build.commands.build has to be a text, and is a map. Put quotes around a text that holds a colon and a space.",
			"apprunner.yaml:7:8: command 2 of build.commands.build has no value. Write one, or remove it.",
			"apprunner.yaml:8:9: command 3 of build.commands.build is empty. Write a command, or remove it.",
			"apprunner.yaml:9:9: command 4 of build.commands.build has to be a text, and is a list. Write one text.",
			"apprunner.yaml:10:9: command 5 of build.commands.build has the tag \"!Ref\", which means nothing here. Remove the tag.",
			"apprunner.yaml:11:9: command 6 of build.commands.build holds a NUL character, which no program can be given. Remove it."}},
		"tags": {"version: 1.0\nruntime: go1\nbuild: !x\n  commands: !Sub\n    build: !y []\nrun:\n  command: !!str 5\n  env: !z []\n", []string{
			"apprunner.yaml:3:8: build has the tag \"!x\", which means nothing here. Remove the tag.",
			"apprunner.yaml:4:13: build.commands has the tag \"!Sub\", which means nothing here. Remove the tag.",
			"apprunner.yaml:5:12: build.commands.build has the tag \"!y\", which means nothing here. Remove the tag.",
			"apprunner.yaml:8:8: run.env has the tag \"!z\", which means nothing here. Remove the tag."}},
		"sections of another kind": {"version: [1.0]\nruntime: {}\nbuild: make\nrun:\n  - command: ./app\n", []string{
			"apprunner.yaml:1:10: version has to be a text, and is a list. Write one text.",
			"apprunner.yaml:2:10: runtime has to be a text, and is a map. Write one text.",
			"apprunner.yaml:3:8: build has to be a map with commands and env, and is a text.",
			"apprunner.yaml:5:3: run has to be a map with runtime-version, pre-run, command, network, env and secrets, and is a list."}},
		"start command": {strings.Replace(least, "python3 app.py", "''", 1), []string{
			"apprunner.yaml:8:12: run.command is empty. Write what starts the program, such as `python3 app.py`."}},
		"start command of two lines": {strings.Replace(least, "python3 app.py", "|\n    cd web\n    ./app", 1), []string{
			"apprunner.yaml:8:12: run.command is longer than one line. Put the lines into a script in the repository and start that."}},
		"start command as a list": {strings.Replace(least, "python3 app.py", "[python3, app.py]", 1), []string{
			"apprunner.yaml:8:12: run.command has to be a text, and is a list. Write one text."}},
		"variables as a map": {building("commands: {build: []}", "env:", "  A: b"), []string{
			"apprunner.yaml:6:5: build.env has to be a list of names and values, and is a map. Write each as `- name: NAME` and, on the next line, `value: ...` below `name`."}},
		"secrets as a map": {with("secrets:", "  A: /a"), []string{
			"apprunner.yaml:10:5: run.secrets has to be a list of names and values, and is a map. Write each as `- name: NAME` and, on the next line, `value-from: ...` below `name`."}},
		"variables in other forms": {with("env:", "  - A=b", "  - A: b", "  -", "  - name: A", "  - value: b", "  - {name: B, valu: b}", "  - {name: [], value: b}", "  - {name: C, value: }"), []string{
			"apprunner.yaml:10:7: entry 1 of run.env is no name with a value. Write it as `name: NAME` and, on the next line, `value: ...`.",
			"apprunner.yaml:11:7: entry 2 of run.env is no name with a value. Write it as `name: NAME` and, on the next line, `value: ...`.",
			"apprunner.yaml:12:6: entry 3 of run.env is no name with a value. Write it as `name: NAME` and, on the next line, `value: ...`.",
			"apprunner.yaml:13:7: entry 4 of run.env has no value. Write `value: ` and the variable's value; `\"\"` is an empty one.",
			"apprunner.yaml:14:7: entry 5 of run.env has no name. Write `name: ` and the variable's name.",
			"apprunner.yaml:15:7: entry 6 of run.env has no value. Write `value: ` and the variable's value; `\"\"` is an empty one.",
			"apprunner.yaml:15:17: \"valu\" in entry 6 of run.env means nothing. Did you mean value?",
			"apprunner.yaml:16:14: name of entry 7 of run.env has to be a text, and is a list. Write one text.",
			"apprunner.yaml:17:24: value in entry 8 of run.env has no value. Write `value: ` and the variable's value; `\"\"` is an empty one."}},
		"names of variables": {with("env:", "  - {name: A, value: 1}", "  - {name: A, value: 2}", "  - {name: PORT, value: 80}", "  - {name: AWSAPPRUNNER_A, value: 1}", "  - {name: A=B, value: 1}", "  - {name: '', value: 1}"), []string{
			"apprunner.yaml:11:14: run.env has \"A\" twice. Keep one of them.",
			"apprunner.yaml:12:14: PORT is reserved: it is always set to the port. Remove it from run.env and set port in run.network.",
			"apprunner.yaml:13:14: \"AWSAPPRUNNER_A\" in run.env begins with AWSAPPRUNNER, which is reserved. Rename it.",
			"apprunner.yaml:14:14: \"A=B\" in run.env holds an equals sign, which no variable can have in its name. Rename it.",
			"apprunner.yaml:15:14: a variable in run.env has an empty name. Give it one."}},
		"names of build variables": {building("commands: {build: []}", "env:", "  - {name: AWSAPPRUNNER, value: 1}"), []string{
			"apprunner.yaml:6:14: \"AWSAPPRUNNER\" in build.env begins with AWSAPPRUNNER, which is reserved. Rename it."}},
		"secrets": {with("env: [{name: BOTH, value: hush}]", "secrets:", "  - {name: BOTH, value-from: /hush}", "  - {name: PORT, value-from: /hush}", "  - {name: A=, value-from: /hush}", "  - {name: BAD, value-from: 'arn:aws:s3:::hush'}", "  - {name: HUSH, value: hush}"), []string{
			"apprunner.yaml:11:14: run.env and run.secrets both have \"BOTH\". Keep one of them.",
			"apprunner.yaml:12:14: PORT is reserved: it is always set to the port. Remove it from run.secrets and set port in run.network.",
			"apprunner.yaml:13:14: \"A=\" in run.secrets holds an equals sign, which no variable can have in its name. Rename it.",
			"apprunner.yaml:14:14: \"BAD\" in run.secrets has a value-from that names no secret. Give the ARN of a Secrets Manager secret, or the ARN or the name of an SSM parameter.",
			"apprunner.yaml:15:7: entry 5 of run.secrets has no value-from. Write `value-from: ` and the ARN of a secret, or the ARN or name of an SSM parameter.",
			"apprunner.yaml:15:20: \"value\" in entry 5 of run.secrets means nothing. There can be name and value-from."}},
		"port": {with("network: {port: 0}"), []string{
			"apprunner.yaml:9:19: run.network.port is \"0\", and has to be a number from 1 to 65535."}},
		"port with a zero before it": {with("network: {port: 08080}"), []string{
			"apprunner.yaml:9:19: run.network.port is \"08080\", and has to be a number from 1 to 65535."}},
		"port by name": {with("network: {port: http, env: AWSAPPRUNNER_PORT}"), []string{
			"apprunner.yaml:9:19: run.network.port is \"http\", and has to be a number from 1 to 65535.",
			"apprunner.yaml:9:30: \"AWSAPPRUNNER_PORT\" in run.network.env begins with AWSAPPRUNNER, which is reserved. Rename it."}},
		"port's variable set elsewhere": {with("network: {env: APP_PORT}", "env: [{name: APP_PORT, value: 80}]"), []string{
			"apprunner.yaml:10:16: run.env has \"APP_PORT\", which env in run.network gives the port. Remove one of them."}},
		"version lock": {with("runtime-version: v3.11"), []string{
			"apprunner.yaml:9:20: run.runtime-version is \"v3.11\", and has to be numbers with dots between them. Write the version, or its beginning: 3, 3.11 or 3.11.4."}},
		"version lock with a wildcard": {with("runtime-version: 3.x"), []string{
			"apprunner.yaml:9:20: run.runtime-version is \"3.x\", and has to be numbers with dots between them. Write the version, or its beginning: 3, 3.11 or 3.11.4."}},
		"merged what is no map": {with("<<: [{env: []}, 5]"), []string{
			"apprunner.yaml:9:19: << in run brings a text, and only maps can be merged. Name a map's anchor."}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(FileName, []byte(tt.file), known...)
			if _, ok := errors.AsType[*Faults](err); !ok {
				t.Fatalf("got %v", err)
			}
			if want := strings.Join(tt.want, "\n"); err.Error() != want {
				t.Errorf("got\n%s\nwant\n%s", err, want)
			}
		})
	}
}

func TestParse_SaysWhatIsNoYAML(t *testing.T) {
	tests := map[string]struct{ file, want string }{
		"a tab":           {"version: 1.0\nbuild:\n\tcommands: {}\n", "apprunner.yaml:3:1: this is no YAML: found character that cannot start any token. Indent with spaces: YAML takes no tabs for it."},
		"an at sign":      {"run: {command: @app}\n", "apprunner.yaml:1:16: this is no YAML: found character that cannot start any token. Put quotes around a text that begins with '@'."},
		"two colons":      {"version: 1.0\nrun: a: b\n", "apprunner.yaml:2:7: this is no YAML: mapping values are not allowed in this context. Put quotes around a text that holds a colon and a space, and indent all keys of a map alike."},
		"an open quote":   {"version: \"1.0\nruntime: go1\n", "apprunner.yaml:3:1: this is no YAML: found unexpected end of stream while scanning a quoted scalar that begins at 1:10. Look at the indentation, quotes and brackets here and before."},
		"an open bracket": {"a: [1, 2\nb: 3\n", "apprunner.yaml:2:2: this is no YAML: did not find expected ',' or ']' while parsing a flow sequence that begins at 1:4. Look at the indentation, quotes and brackets here and before."},
		"a glob":          {"run: {command: *.py}\n", "apprunner.yaml:1:16: this is no YAML: unknown anchor '.py' referenced. Put quotes around a text that begins with an asterisk, or define the anchor before this place."},
		"two documents":   {least + "---\n" + least, "apprunner.yaml:9:1: a second document begins here, and there can be only one. Remove it, with the line `---` or `...` before it."},
		"half a second":   {least + "---\n\"", "apprunner.yaml:10:2: this is no YAML: found unexpected end of stream while scanning a quoted scalar that begins at 10:1. Look at the indentation, quotes and brackets here and before."},
		"Latin-1":         {"version: 1.0\nruntime: caf\xe9\n", "apprunner.yaml:2:13: the file isn't UTF-8 text. Save it as UTF-8."},
		"UTF-16":          {"\xff\xfev\x00e\x00", "apprunner.yaml:1:1: the file isn't UTF-8 text. Save it as UTF-8."},
		"a control":       {"version: 1.0\nrun: \x1b[0m\n", "apprunner.yaml:2:6: the character U+001B has no place in YAML. Remove it."},
		"a late mark":     {"version: 1.0\n\ufeffrun: a\n", "apprunner.yaml:2:1: the character U+FEFF has no place in YAML. Remove it."},
		"too large":       {strings.Repeat("#\n", 32<<10) + "a", "apprunner.yaml: the file has 65537 bytes, and 65536 are the limit. Move what is long into scripts in the repository."},
		"too deep":        {strings.Repeat("[", 21), "apprunner.yaml:1:21: lists and maps lie more than 20 deep within each other, which is the limit. apprunner.yaml needs five levels."},
		"too deep a list": {strings.Repeat("- ", 30) + "a", "apprunner.yaml:1:41: lists and maps lie more than 20 deep within each other, which is the limit. apprunner.yaml needs five levels."},
		"too many values": {"[" + strings.Repeat("a,", 10_000) + "]", "apprunner.yaml: the file has more than 10000 values, with what aliases repeat, and that is the limit. Write fewer of them."},
		"within itself":   {"a: &a [1, *a]\n", "apprunner.yaml:1:11: this alias lies within what it names, and would never end. Remove it."},
		"merging itself":  {"a: &a {<<: *a}\n", "apprunner.yaml:1:12: this alias lies within what it names, and would never end. Remove it."},
		"a bomb":          {bomb("[", "]", ""), "apprunner.yaml: the file has more than 10000 values, with what aliases repeat, and that is the limit. Write fewer of them."},
		"a merging bomb":  {bomb("{<<: [", "]}", ""), "apprunner.yaml: the file has more than 10000 values, with what aliases repeat, and that is the limit. Write fewer of them."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(FileName, []byte(tt.file), known...)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// bomb is a text that its aliases make grow ninefold with each of its lines.
func bomb(open, end, after string) string {
	var b strings.Builder
	b.WriteString("a0: &a0 {name: a}\n")
	for i := range 20 {
		name := string(rune('a' + i))
		before := "a0"
		if i > 0 {
			before = string(rune('a' + i - 1))
		}
		b.WriteString(name + ": &" + name + " " + open + strings.Repeat("*"+before+", ", 9) + end + "\n")
	}
	return b.String() + after
}

func TestFaults_EndsALongList(t *testing.T) {
	_, err := Parse(FileName, []byte("a: 1\n"+strings.Repeat("bb: 1\n", 50)), known...)
	lines := strings.Split(err.Error(), "\n")
	if want := "apprunner.yaml: and 35 more. Mend these first."; len(lines) != maxShown+1 || lines[maxShown] != want {
		t.Errorf("got %d lines, the last %q, want %q", len(lines), lines[len(lines)-1], want)
	}
}

// What is secret, or may be, is in no error: it would be in the deployment's log.
func TestFaults_ShowNoValues(t *testing.T) {
	const secret = "hunter2"
	for _, file := range []string{
		with("env:", "  A: "+secret),
		with("env:", "  - A="+secret),
		with("env:", "  - {name: PORT, value: "+secret+"}"),
		with("secrets:", "  - {name: A, value-from: '"+secret+" '}"),
		building("commands:", "  build: "+secret),
		building("commands:", "  build:", "    - !x "+secret),
	} {
		if _, err := Parse(FileName, []byte(file), known...); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q gives %v", file, err)
		}
	}
}

func TestParse_TakesAnyRuntimeWhenNoneIsGiven(t *testing.T) {
	f, err := Parse(FileName, []byte(strings.Replace(least, "python311", "rust1", 1)))
	if err != nil || f.Runtime != "rust1" {
		t.Errorf("got %+v, %v", f, err)
	}
	if _, err := Parse(FileName, []byte(strings.Replace(least, "python311", "dockerfile", 1))); err == nil {
		t.Error("a Dockerfile is taken")
	}
}

func TestParse_NoticesWhatDoesNothing(t *testing.T) {
	file := `version: 1.0
runtime: python3
build:
  commands:
    pre-build:
      - cd web
      - cd web && npm ci
    build:
      - export A=b
run:
  pre-run:
    - pip install -r requirements.txt
  command: python app.py
`
	f, err := Parse(FileName, []byte(file), known...)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"apprunner.yaml:6:9: command 1 of build.commands.pre-build does nothing for those after it: each runs in a shell of its own, in the source directory. Join it with the next one: `cd ... && ...`.",
		"apprunner.yaml:9:9: command 1 of build.commands.build does nothing for those after it: each runs in a shell of its own, in the source directory. Join it with the next one: `export ... && ...`.",
		"apprunner.yaml:12:5: App Runner's reference says not to use pre-run with python3, whose build has no such stage. Move its commands to build.",
	}
	if strings.Join(f.Notices, "\n") != strings.Join(want, "\n") || !f.Original {
		t.Errorf("got\n%s", strings.Join(f.Notices, "\n"))
	}
}

func TestMissing_KnowsWhatWasMeant(t *testing.T) {
	tests := map[string]struct {
		directory string
		names     []string
		want      string
	}{
		"root":        {"", []string{"app.py"}, "apprunner.yaml: there is no such file in the repository's root. Add it, give another SourceDirectory, or use the ConfigurationSource API."},
		"slash":       {"/", nil, "apprunner.yaml: there is no such file in the repository's root. Add it, give another SourceDirectory, or use the ConfigurationSource API."},
		"directory":   {"/web/", nil, "web/apprunner.yaml: there is no such file in the source directory web. Add it, give another SourceDirectory, or use the ConfigurationSource API."},
		"other end":   {"", []string{"app.py", "apprunner.yml"}, "apprunner.yaml: there is no such file in the repository's root. App Runner takes no other name: rename apprunner.yml."},
		"other words": {"", []string{"App-Runner.yaml"}, "apprunner.yaml: there is no such file in the repository's root. App Runner takes no other name: rename App-Runner.yaml."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Missing(tt.directory, tt.names).Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
