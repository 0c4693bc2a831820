# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# The two kinds of guest: a kernel that QEMU boots, and User-Mode Linux, which is a
# program. Sourced by boot.sh.
#
# prepare_<kind> sets command, and sets slow to 1 if the guest is emulated. start_<kind>
# runs the command with KTAP on stdout and messages on stderr. The guest writes its
# console, the verdict and its coverage to files in $result. See scripts/guest/init.c for
# the ports.

# COMMAND_LINE_SIZE of x86 without the terminating zero.
COMMAND_LINE_MAX=2047

# The command line of every kernel begins with these.
WORDS=(loglevel=7 panic=-1 oops=panic)

# tied COMMAND...: the kernel kills the command when this shell dies.
tied() {
	exec setpriv --pdeathsig KILL "$@"
}

# allowed_cpus: the numbers of the CPUs that this process may use, one a line.
allowed_cpus() {
	local list range ranges

	list=$(taskset -cp "$BASHPID")
	IFS=, read -ra ranges <<<"${list##*: }"
	for range in "${ranges[@]}"; do
		seq "${range%-*}" "${range#*-}"
	done
}

# take_cpu: sets pinned to the words that run a command on one CPU of the host, which no
# other guest of this clone has locked. The lock is held until this shell and the guest
# have ended. If all CPUs are locked, pinned is empty.
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

# make_line: sets line to the command line of the kernel. The kernel panics if the timer test
# fails, and an emulated timer can be late.
make_line() {
	line="console=ttyS0,115200 ${WORDS[*]} no_timer_check numa=fake=2"
	line+=" secretmem.enable=1 $APPEND"
	[ ${#line} -le $COMMAND_LINE_MAX ] ||
		die "APPEND is too long: the kernel's command line has ${#line} bytes of at most $COMMAND_LINE_MAX"
}

# choose_accel: sets accel, slow and image. In an emulated guest the unpacking of the kernel
# takes longer than the rest of the boot. A kernel that is already unpacked is not moved to a
# random address.
choose_accel() {
	local words

	words=$(exec setpriv --pdeathsig TERM "$SCRIPTS/vm/accel.sh" "$image")
	read -ra accel <<<"$words"
	slow=0
	[[ ${accel[*]} != *tcg* ]] || slow=1
	[ "$slow" = 0 ] || [ ! -e "$out/vmlinux" ] || image=$out/vmlinux
}

prepare_qemu() {
	local accel line coverage=()

	SMP=${SMP:-2}
	need "$QEMU"
	choose_accel
	make_line
	! has_line "$config" CONFIG_GCOV_KERNEL=y ||
		coverage=(-serial "file:$result/gcda")
	command=("$QEMU" -M pc "${accel[@]}" -smp "$SMP" -m "$MEM"
		-nodefaults -nic none -display none -monitor none -no-reboot
		-serial "file:$result/console.log" -serial stdio
		-serial "file:$result/verdict" "${coverage[@]}"
		-kernel "$image" -initrd "$result/initrd" -append "$line")
}

start_qemu() {
	tied "${command[@]}"
}

# choose_tmpdir: sets tmpdir to the directory of the file that is the memory of the guest.
# The guest is killed if there is no space for a page. /dev/shm of a container is often
# small, and JOBS guests share it.
choose_tmpdir() {
	local free='' need

	need=$(numfmt --from=iec "$MEM")
	need=$((need * ${JOBS:-1}))
	[ ! -d /dev/shm ] || free=$(df -B1 --output=avail /dev/shm | tail -n 1)
	tmpdir=/dev/shm
	[ "${free:-0}" -ge "$need" ] || tmpdir=$result
}

# The ports are the file descriptors 3 (console), 1, 4 and 5. Each system call of the
# guest wakes another thread of the host, which takes twice as long on another CPU.
# Therefore a guest with one processor runs on one CPU.
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
	tied "${command[@]}" 3>"$result/console.log" 4>"$result/verdict" \
		5>"$result/gcda"
}
