# shellcheck shell=bash disable=SC2034
# Sourced by make-series, check-series and build-commits, after lib.sh:
# the git repository of the series, and a record of checks that passed.
# SPDX-License-Identifier: GPL-2.0

repo=$(realpath -m "$BUILD")/series.git	# branches: base, oldest, and series, which starts at base
stage=$BUILD/series.stage	# files and message of each commit
good=$BUILD/series.good		# an empty file for each check that passed
# These are not meant for that repository.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
mkdir -p "$good"

# set_identity: make the caller's identity that of author and committer
set_identity() {
	GIT_AUTHOR_NAME=${GIT_AUTHOR_NAME:-$(git -C "$TOP" config user.name)} &&
		GIT_AUTHOR_EMAIL=${GIT_AUTHOR_EMAIL:-$(git -C "$TOP" config user.email)} || return 1
	export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL
	export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
}

# own_git COMMAND...: run git without the caller's configuration
own_git() {
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 git "$@"
}

# in_repo COMMAND...: run git in the repository, with an index of its own
in_repo() {
	GIT_DIR=$repo GIT_INDEX_FILE=$repo/series-index own_git "$@"
}

# add_files DIR <LIST: add files below DIR to the index; NUL separates their names
add_files() {
	(cd "$1" && in_repo --work-tree=. -c core.compression=1 update-index --add -z --stdin)
}

# commit_base BASE BRANCH: make the kernel tree BASE the only commit of BRANCH, unless it is
# that already
commit_base() {
	local base=$1 branch=$2 commit
	[ "$(base_name "$base")" != "$(cat "$repo/kho-$branch" 2>/dev/null)" ] || return 0
	echo "reading $(basename "$base") into a repository"
	own_git init -q --bare "$repo"
	# gc would run in the background, and hold the lock of build/.
	own_git -C "$repo" config gc.auto 0
	rm -f "$repo/series-index" "$repo/series-index.lock"
	if [ -e "$base/.git" ]; then
		git -C "$base" ls-files -z
	else
		(cd "$base" && find . ! -type d -printf '%P\0')
	fi | add_files "$base"
	commit=$(GIT_AUTHOR_DATE="@0 +0000" GIT_COMMITTER_DATE="@0 +0000" \
		in_repo commit-tree -m base "$(in_repo write-tree)")
	in_repo update-ref "refs/heads/$branch" "$commit"
	base_name "$base" >"$repo/kho-$branch"
}

# when_changed WHAT COMMAND... <CONTENT: run COMMAND unless it passed before with the
# same CONTENT
when_changed() {
	local what=$1 key
	shift
	key=$({ echo "$what"; cat; } | sha256sum | cut -d ' ' -f 1)
	[ ! -e "$good/$key" ] || return 0
	step "$what" "change series/ or the files that it names" "$@"
	touch "$good/$key"
}

# check_out COMMIT TREE: remove everything else there. Files that stay as they are keep
# their time, for make.
check_out() {
	local commit=$1 tree=$2
	if [ "$(own_git -C "$tree" rev-parse --git-common-dir 2>/dev/null)" != "$repo" ]; then
		rm -rf "$tree"
		own_git -C "$repo" worktree prune
		own_git -C "$repo" worktree add -q --no-checkout --detach "$tree" "$commit"
	fi
	own_git -C "$tree" checkout -q --force --detach "$commit"
	own_git -C "$tree" clean -q -d -f -x
}

# commits_of_series: print the commits in order
commits_of_series() {
	own_git -C "$repo" rev-list --reverse base..series
}
