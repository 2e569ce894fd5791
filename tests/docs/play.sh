# shellcheck shell=bash
# play.sh - does what a tutorial says, as it is printed. To be read with `.'.
#
#	play FILE.md		the blocks of $ROLE, in their turn
#
# Each block is a turn of one role: it is over when `barrier NAME' of both says
# so. Who reads this has a `barrier', which waits for the other role, and a
# `plug DEVICE', which does with QEMU what a person does with his hands.
#
# In a console block a line that begins with `# ' or `$ ' is a command for a shell
# of its own, lines that begin with `> ' go on with it. The lines that follow are
# what it prints: each is the beginning of a line, `...' in it stands for anything,
# and alone on a line for any lines. A command without any may print what it likes.
# It has to exit with 0, or with the N of `exits N' behind the role.
# `carry PATH' behind it: that file comes from the other role's machine.

# shellcheck disable=SC2153 # ROLE is of who reads this
PLAY=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# What may be asked again until the answer is the one that is printed: it changes
# nothing, and what it shows may take a moment.
PLAY_LOOKS='^(sallyctl (devices|sessions|status|approve|audit search|explain)|sallyport (list|status|agent --status)|ls |lsblk|find |systemctl is-active|journalctl)'

# play_like WANT GOT: the files fit.
play_like() {
	local -a want got
	local i=0 j skips=0 pattern
	mapfile -t want <"$1"
	mapfile -t got <"$2"
	for ((j = 0; j < ${#want[@]}; j++)); do
		if [ "${want[j]}" = ... ]; then
			skips=1
			continue
		fi
		# every byte is itself but three dots
		pattern=$(printf '%s' "${want[j]}" |
			sed 's/[][\\*?]/\\&/g; s/\.\.\./*/g')
		while [ $i -lt ${#got[@]} ]; do
			# shellcheck disable=SC2053 # it is a pattern
			[[ ${got[i]} == $pattern* ]] && break
			[ $skips = 1 ] || return 1
			i=$((i + 1))
		done
		[ $i -lt ${#got[@]} ] || return 1
		i=$((i + 1))
		skips=0
	done
	[ $skips = 1 ] || [ $i -eq ${#got[@]} ]
}

# play_filter: what was printed, as the tutorial has it.
play_filter() {
	cat
}

# play_one COMMAND WANT STATUS: runs it; what is wrong goes to standard output.
play_one() {
	local rc began=$SECONDS
	while :; do
		timeout 180 bash -c "$1" >"$play_dir/raw" 2>&1 </dev/null
		rc=$?
		play_filter <"$play_dir/raw" >"$play_dir/got"
		if [ $rc = "$3" ] &&
		    { [ ! -s "$2" ] || play_like "$2" "$play_dir/got"; }; then
			return 0
		fi
		if ! [[ $1 =~ $PLAY_LOOKS ]] || [ $((SECONDS - began)) -gt 60 ]
		then
			break
		fi
		sleep 0.5
	done
	echo "exit $rc, wanted $3; it printed:"
	sed 's/^/    /' "$play_dir/got"
	[ ! -s "$2" ] || { echo "wanted:"; sed 's/^/    /' "$2"; }
	return 1
}

# play_commands BODY: PLAY_RUN COMMAND WANT for each, in order.
play_commands() {
	local line command='' n=0
	: >"$play_dir/want"
	while IFS= read -r line || [ -n "$command" ]; do
		case $line in
		'> '*)
			command+=$'\n'${line#> }
			continue
			;;
		'# '* | '$ '* | '')
			if [ -n "$command" ]; then
				"$PLAY_RUN" "$command" "$play_dir/want" || return 1
				n=$((n + 1))
			fi
			command=${line#[#$] }
			: >"$play_dir/want"
			;;
		*) printf '%s\n' "$line" >>"$play_dir/want" ;;
		esac
	done <"$1"
	[ $n -gt 0 ]
}

# shellcheck disable=SC2317 # it is what PLAY_RUN says
play_run() {
	local status=0
	[[ $play_words =~ exits\ ([0-9]+) ]] && status=${BASH_REMATCH[1]}
	if ! play_one "$1" "$2" "$status" >"$play_dir/why"; then
		echo "not ok - $play_file:$play_line: $1"
		sed 's/^/    /' "$play_dir/why"
		return 1
	fi
	echo "ok - $1"
}
PLAY_RUN=${PLAY_RUN:-play_run}

play_turn() {
	local kind=$1 body=$2
	case $kind in
	plug) plug "$play_words" ;;
	file)
		mkdir -p "$(dirname "$play_words")" &&
			cp "$body" "$play_words" &&
			echo "ok - $play_words is written"
		;;
	console)
		play_commands "$body"
		;;
	esac
}

play() {
	local id role carried
	play_file=$1
	play_name=$(basename "$1" .md)
	play_dir=$(mktemp -d)
	"$PLAY/blocks" -v DIR="$play_dir" "$1" || return 1
	for id in "$play_dir"/*.kind; do
		id=${id%.kind}
		role=$(cat "$id.role")
		play_line=$(cat "$id.line")
		play_words=$(cat "$id.words")
		if [[ $play_words =~ carry\ ([^ ]+) ]]; then
			carried=/shared/carried-${BASH_REMATCH[1]##*/}
			[ "$role" = "$ROLE" ] ||
				cp "${BASH_REMATCH[1]}" "$carried" || return 1
			barrier "$play_name-${id##*/}-carried" 600 || return 1
			[ "$role" != "$ROLE" ] ||
				cp "$carried" "${BASH_REMATCH[1]}" || return 1
		fi
		if [ "$role" = "$ROLE" ]; then
			play_turn "$(cat "$id.kind")" "$id.body" || return 1
		fi
		barrier "$play_name-${id##*/}" 600 || return 1
	done
}
