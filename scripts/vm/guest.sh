# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# The two kinds of guest: a kernel that QEMU boots, and User-Mode Linux, which is a
# program. Sourced by boot.sh.
#
# prepare_<kind> sets command, and slow to 1 if the guest is emulated. start_<kind>
# runs the command with KTAP on stdout and messages on stderr. The guest writes its
# console, the verdict and its coverage to files of $result. See init.c for the ports.

# COMMAND_LINE_SIZE of x86, less the byte that ends the line.
COMMAND_LINE_MAX=2047

# What every kernel is booted with.
WORDS=(loglevel=7 panic=-1 oops=panic)

# tied COMMAND...: it is killed when this shell dies, even by SIGKILL.
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

# take_cpu: sets pinned to the words that keep a command on one CPU of the host. The CPU
# is one that no other guest of this clone has taken; the lock is held until this shell
# and the guest have ended. If all CPUs are taken, pinned is empty.
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

prepare_qemu() {
	local words line coverage=()

	SMP=${SMP:-2}
	need "$QEMU"
	words=$(exec setpriv --pdeathsig TERM "$SCRIPTS/vm/accel.sh" "$image")
	read -ra accel <<<"$words"
	slow=0
	[[ ${accel[*]} != *tcg* ]] || slow=1
	# An emulated guest needs longer to unpack its kernel than for the rest of the
	# boot. Without that step the kernel is not moved to a random address.
	[ "$slow" = 0 ] || [ ! -e "$out/vmlinux" ] || image=$out/vmlinux
	# An emulated timer may be late on a busy machine: the kernel would panic.
	line="console=ttyS0,115200 ${WORDS[*]} no_timer_check numa=fake=2"
	line+=" secretmem.enable=1 $APPEND"
	[ ${#line} -le $COMMAND_LINE_MAX ] ||
		die "APPEND is too long: the kernel's command line has ${#line} bytes of at most $COMMAND_LINE_MAX"
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

# choose_tmpdir: sets tmpdir to the place of the file that is the guest's memory. A page
# for which there is no room kills the guest; /dev/shm of a container is often small, and
# JOBS guests share it.
choose_tmpdir() {
	local free='' need

	need=$(numfmt --from=iec "$MEM")
	need=$((need * ${JOBS:-1}))
	[ ! -d /dev/shm ] || free=$(df -B1 --output=avail /dev/shm | tail -n 1)
	tmpdir=/dev/shm
	[ "${free:-0}" -ge "$need" ] || tmpdir=$result
}

# The ports are the file descriptors 3 (console), 1, 4 and 5. Each system call of the
# guest wakes another thread of the host, which takes twice as long on another CPU. So a
# guest with one processor stays on one CPU.
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
