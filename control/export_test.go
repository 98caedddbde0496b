package control

// LifecycleActions are the actions that lifecycle judges.
func LifecycleActions() (actions []string) {
	for _, r := range lifecycle {
		actions = append(actions, r.action)
	}
	return actions
}

// ToldAs is toldAs for the tests outside.
var ToldAs = toldAs
