package build

import (
	"slices"

	"apron/build/recipe"
)

// command is one line of a recipe's, and which of its lists it is from.
type command struct {
	list string // recipe.StageBuild and the others
	line string
}

// stage is what one instance runs. Without commands there is no need for the instance.
type stage struct {
	name     string // of its phase, and of what is kept for it on disk
	commands []command
}

// The stages that a build can have. Phases have these names too.
const (
	stageBuild     = "build"
	stageRun       = "run"
	stagePostBuild = "post-build"
)

// plan is which commands run where, and what of it the image gets.
//
// App Runner's revised process builds in one image and copies /app into another, in which the pre-run commands run. Its
// original one builds twice: in a build image, for the sake of what it puts into /app, and again in the runtime's image
// with that /app, which becomes the image with all that the commands change. Post-build commands go on where the first
// build ended, and what they change is lost, in both.
type plan struct {
	build stage // on the base and the source
	post  stage // on what build has left
	run   stage // on the image of base, source and build's /app; all that it changes is in the image
	whole bool  // there is no such second image: all that build changes is in the image
}

// newPlan lays out the stages. The original process builds once where its two builds would begin alike: nothing came before
// the first that the second has not.
func newPlan(r recipe.Recipe) plan {
	pre, build := commands(recipe.StagePreBuild, r.PreBuild), commands(recipe.StageBuild, r.Build)
	preRun := commands(recipe.StagePreRun, r.PreRun)
	p := plan{
		build: stage{stageBuild, slices.Concat(pre, build)},
		post:  stage{stagePostBuild, commands(recipe.StagePostBuild, r.PostBuild)},
		run:   stage{stageRun, preRun},
	}
	if !r.Original {
		return p
	}
	if len(pre) == 0 && len(preRun) == 0 {
		p.whole = true
		return p
	}
	p.run.commands = slices.Concat(build, preRun)
	return p
}

func commands(list string, lines []string) []command {
	var out []command
	for _, line := range lines {
		out = append(out, command{list, line})
	}
	return out
}

// stageNames are all, for removing what an earlier try may have left.
func stageNames() []string { return []string{stageBuild, stagePostBuild, stageRun} }
