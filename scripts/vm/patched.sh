#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run kselftest on KERNEL with the patch PATCH.
#
# usage: patched.sh
#
# patched.sh first builds the kernel without the patch, unless the cache has this kernel.
# Then patched.sh applies the patch, builds the files that the patch changes, and runs
# kselftest.sh. The patch is never in the cache: patched.sh runs these steps in apart.sh,
# in which the source, the build directory of the kernel and build/<kernel> are overlays.
# At the end, patched.sh copies the result of the run to build/<kernel>-patched/result,
# which is not an overlay. patched.sh exits with the status of judge.sh.

. "${0%/*}/../lib.sh"
. "$SCRIPTS/kernel/packages.sh"
. "$SCRIPTS/mutate/layers.sh"

# rebuild: Applies the patch to the source, and builds the kernel again. The module of the
# suite hmm is a module of the kernel.
rebuild() {
	local words goals=()

	[ "$SUITE" = mmun ] || goals=(modules)
	"$SCRIPTS/kernel/patch.sh" whole "$PATCH" "$tree"
	mapfile -t words <"$kdir/make.words"
	say "building kernel $KERNEL with ${PATCH##*/}"
	quietly make -j"$(nproc)" "${words[@]}" "${goals[@]}"
}

# keep_result: Copies the result of the run out of the overlay.
keep_result() {
	rm -rf "$kept/result"
	[ ! -d "$out/result" ] || cp -r "$out/result" "$kept/"
}

# run_inside: Runs the tests on the kernel with the patch, inside the overlays. The judge
# does not accept the expected failures of the defect that the directory of the patch
# describes, such as patches/refused-start.
run_inside() {
	local defect status=0

	defect=$(realpath --relative-to "$TOP" "${PATCH%/*}")
	rebuild
	PATCH='' FIXED=$defect "$SCRIPTS/kselftest.sh" || status=$?
	keep_result
	exit "$status"
}

if [ "${1-}" = inside ]; then
	out=$2
	kdir=$(value kdir "$out/kernel")
	tree=$(value source "$out/kernel")
	kept=$out-patched
	run_inside
fi
need_for "$KERNEL" patch
resolve "$KERNEL"
kdir=$(value kdir "$out/kernel")
tree=$(value source "$out/kernel")
mkdir -p "$out-patched/memory"
check_apart "$out-patched"
hold_layers "$out" "$kdir"
"$SCRIPTS/vm/build.sh" modules "$out"
"$SCRIPTS/vm/build.sh" tests "$out"
exec "$SCRIPTS/mutate/apart.sh" "$out-patched/memory" "$tree" "$kdir" "$out" -- \
	"$0" inside "$out"
