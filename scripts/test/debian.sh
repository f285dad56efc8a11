# shellcheck shell=bash disable=SC2154
# Sourced after lib.sh by test-deb, test-fresh and the demo with a virtual machine: make a
# minimal Debian in a directory, and run commands in it. All but bootstrap() need root.
# SPDX-License-Identifier: GPL-2.0

# print_sources SUITE: print lines of sources.list for it, with the servers of this machine's
# release
print_sources() {
	local here
	here=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	# shellcheck disable=SC2016
	apt-get indextargets --format 'deb $(SITE) $(CODENAME) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' 'Component: main' |
		sed -n "s/ $here\([- ]\)/ $1\1/p" | sort -u
}

# bootstrap SUITE PACKAGES TAR [OPTION...]: make the archive of a Debian. It gets its final
# name only when it is complete. Without root's rights mmdebstrap uses a user namespace.
bootstrap() {
	local sources
	sources=$(print_sources "$1")
	if [ -z "$sources" ]; then
		as_root apt-get -q update
		sources=$(print_sources "$1")
	fi
	[ -n "$sources" ] || die "apt has no source for this release: check /etc/apt/sources.list"
	mmdebstrap --variant=minbase --include="$2" "${@:4}" "$1" - - <<<"$sources" >"$3.new"
	mv "$3.new" "$3"
}

# make_debian SUITE PACKAGES ROOT: unpack it from the cache, where it is made once
make_debian() {
	local key tar
	key=$(cksum <<<"$2")
	tar=$CACHE/debian/$1-${key% *}.tar
	mkdir -p "$CACHE/debian"
	[ -e "$tar" ] || step "bootstrap $1" "check the network and /etc/apt/sources.list" \
		bootstrap "$1" "$2" "$tar"
	remove_debian "$3"
	mkdir -p "$3"
	as_root tar -C "$3" -xp <"$tar"
	as_root cp -L /etc/resolv.conf "$3/etc/"
}

remove_debian() {
	as_root rm -rf --one-file-system "$1"
}

# in_debian ROOT [--mount DIR AT]... COMMAND...: run a command there. Its mounts and
# processes end with it.
in_debian() {
	local root=$1
	shift
	# shellcheck disable=SC2016
	as_root unshare --pid --fork --kill-child --mount-proc="$root/proc" bash -c '
		set -e
		root=$1
		shift
		while [ "$1" = --mount ]; do
			mount --rbind "$2" "$root$3"
			shift 3
		done
		exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
			DEBIAN_FRONTEND=noninteractive "$@"' bash "$root" "$@"
}
