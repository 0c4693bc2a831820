# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# The functions that start the two kinds of guest: a kernel that QEMU boots, and User-Mode
# Linux, which is a program. boot.sh and test-guest.sh source guest.sh.
#
# For each kind of guest, prepare_<kind>, such as prepare_qemu, sets the array `command`
# to the command that runs the guest, and sets $slow to 1 if the guest is emulated.
# start_<kind> runs the command of the guest, with KTAP on stdout and messages on stderr.
# The guest writes its console, the verdict and its coverage to files in $result. The
# comment at the start of scripts/guest/init.c describes the serial ports of the guest.

# COMMAND_LINE_MAX is COMMAND_LINE_SIZE of x86 without the terminating zero
COMMAND_LINE_MAX=2047

# WORDS are in the command line of every kernel
WORDS=(loglevel=7 panic=-1 oops=panic)

# run_tied COMMAND...: Replaces the shell by COMMAND, so that the kernel of the host kills
# COMMAND when the parent of the shell dies.
run_tied() {
	exec setpriv --pdeathsig KILL "$@"
}

# allowed_cpus: Prints the numbers of the host CPUs on which the calling process may run,
# one number per line.
allowed_cpus() {
	local list range ranges

	list=$(taskset -cp "$BASHPID")
	IFS=, read -ra ranges <<<"${list##*: }"
	for range in "${ranges[@]}"; do
		seq "${range%-*}" "${range#*-}"
	done
}

# take_cpu: Locks a CPU of the host that no other guest of this clone has locked. Sets the
# array `pinned` to the words "taskset -c CPU", which pin a command to the locked CPU. If
# all CPUs are locked, sets `pinned` to an empty array. The CPU stays locked until the
# calling shell and the guest have ended.
take_cpu() {
	local cpu cpus fd

	pinned=()
	cpus=$(allowed_cpus)
	for cpu in $cpus; do
		exec {fd}>"$TOP/build/cpu.$cpu"
		if flock -n "$fd"; then
			pinned=(taskset -c "$cpu")
			break
		fi
		exec {fd}>&-
	done
}

# make_command_line: Sets $line to the command line of the kernel. The command line has
# no_timer_check, because an emulated timer can be late. Without no_timer_check, the
# kernel tests the timer at boot, and panics if the timer is late. With
# srcutree.convert_to_big=1, SRCU has many lists of callbacks, as on a machine with 128
# CPUs. With one list, core_test cannot find that a function waits for one list only.
make_command_line() {
	line="console=ttyS0,115200 ${WORDS[*]} no_timer_check numa=fake=2"
	line+=" secretmem.enable=1 srcutree.convert_to_big=1 $APPEND"
	[ ${#line} -le $COMMAND_LINE_MAX ] ||
		die "APPEND is too long: the kernel's command line has ${#line} bytes of at most $COMMAND_LINE_MAX"
}

# choose_accel: Sets the array `accel` to the arguments of QEMU for the accelerator, and
# $slow to 1 if QEMU emulates the processor. If QEMU emulates the processor, choose_accel
# also sets $image to the unpacked kernel, because an emulated guest takes longer to
# unpack its kernel than for the rest of the boot. An unpacked kernel (vmlinux) does not
# move itself to a random address at boot.
choose_accel() {
	local words

	words=$(exec setpriv --pdeathsig TERM "$SCRIPTS/vm/accel.sh" "$image")
	read -ra accel <<<"$words"
	slow=0
	[[ ${accel[*]} != *tcg* ]] || slow=1
	[ "$slow" = 0 ] || [ ! -e "$out/vmlinux" ] || image=$out/vmlinux
}

# prepare_qemu: Sets the array `command` and $slow for a guest in QEMU, and sets SMP to 2
# if SMP is empty.
prepare_qemu() {
	local accel line coverage=()

	SMP=${SMP:-2}
	need "$QEMU"
	choose_accel
	make_command_line
	! has_line "$config" CONFIG_GCOV_KERNEL=y ||
		coverage=(-serial "file:$result/gcda")
	command=("$QEMU" -M pc "${accel[@]}" -smp "$SMP" -m "$MEM"
		-nodefaults -nic none -display none -monitor none -no-reboot
		-serial "file:$result/console.log" -serial stdio
		-serial "file:$result/verdict" "${coverage[@]}"
		-kernel "$image" -initrd "$result/initrd" -append "$line")
}

start_qemu() {
	run_tied "${command[@]}"
}

# choose_tmpdir: Sets $tmpdir to the directory for the file that backs the memory of a
# User-Mode Linux guest. $tmpdir is /dev/shm if the user can write to /dev/shm, and
# /dev/shm has enough space for JOBS guests. Otherwise, as in many containers, $tmpdir is
# the directory of the result. The host kills a guest if the file system of $tmpdir has no
# space for a page of the guest's memory.
choose_tmpdir() {
	local free='' need

	need=$(numfmt --from=iec "$MEM")
	need=$((need * ${JOBS:-1}))
	[ ! -w /dev/shm ] || free=$(df -B1 --output=avail /dev/shm | tail -n 1)
	tmpdir=/dev/shm
	[ "${free:-0}" -ge "$need" ] || tmpdir=$result
}

# prepare_uml: Sets the array `command` and $slow for a guest in User-Mode Linux, and sets
# SMP to 1 if SMP is empty. The serial ports of the guest write to the file descriptors 3
# (console), 1 (KTAP), 4 (verdict) and 5 (coverage). A guest with one processor is pinned
# to one CPU of the host, because each system call in the guest wakes another thread of
# the host, and a wake-up on another CPU takes twice as long.
prepare_uml() {
	local words pinned=()

	slow=0
	SMP=${SMP:-1}
	has_line "$config" CONFIG_SMP=y || SMP=1
	[ "$SMP" != 1 ] || take_cpu
	choose_tmpdir
	read -ra words <<<"$APPEND"
	command=(env TMPDIR="$tmpdir" "${pinned[@]}" "$image" mem="$MEM" ncpus="$SMP"
		seccomp=auto noreboot
		initrd="$result/initrd" uml_dir="$result/" umid=uml
		con=null console=ttyS0 "ssl0=null,fd:3" "ssl1=null,fd:1"
		"ssl2=null,fd:4" "ssl3=null,fd:5" "${WORDS[@]}" "${words[@]}")
}

start_uml() {
	run_tied "${command[@]}" 3>"$result/console.log" 4>"$result/verdict" \
		5>"$result/gcda"
}
