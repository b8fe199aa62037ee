# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Completion of weir's commands, options, policies and sets for bash. Commands and options are those that --help names.

_weir_policies() {
	weir list -j 2>/dev/null | sed -n 's/^      "name": "\([^"]*\)",$/\1/p'
}

_weir_sets() {
	weir list -j "$1" 2>/dev/null | sed -n '/^      "sets"/,/^      \]/s/^          "name": "\([^"]*\)",$/\1/p'
}

_weir_commands() {
	weir --help | sed -n 's/^  \([a-z]*\) .*/\1/p'
}

_weir_options() { # [COMMAND]: those with a value end in '='
	weir ${1:+"$1"} --help | sed -n 's/^  \(-., \|    \)\{0,1\}\(--[a-z-]*=\{0,1\}\).*/\2/p'
}

# What may stand behind an option, besides files.
_weir_values() { # COMMAND OPTION
	case $1\ $2 in
	*\ --form) echo fits code data tables vectors ;;
	check\ --emit | check\ -e) echo ast rules tree code ;;
	trace\ --probe) echo fentry kprobe tracepoint ;;
	log\ --mode) echo native generic socket ;;
	load\ --mode) echo best native generic offload ;;
	load\ --cgroup-mode) echo multi single override ;;
	load\ --level) echo error warn info debug trace ;;
	import\ --from | import\ -f) echo iptables-save ip6tables-save nft classbench ;;
	import\ --verdict) echo accept drop ;;
	new\ --type | new\ -t) weir new --help | sed -n '/--type=TYPE  /,/--help/{ /--help/d; s/.*--type=TYPE//; s/,\| or / /g; p }' ;;
	esac
}

_weir() {
	local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command='' index=1 words=''
	local -a plain=()

	COMPREPLY=()
	while [ "$index" -lt "$COMP_CWORD" ]; do
		case ${COMP_WORDS[index]} in
		--pins)
			[ "${COMP_WORDS[index + 1]}" != = ] || index=$((index + 1))
			index=$((index + 1))
			;;
		-*) ;;
		*) [ -z "$command" ] && command=${COMP_WORDS[index]} || plain+=("${COMP_WORDS[index]}") ;;
		esac
		index=$((index + 1))
	done
	# --option=VALUE is three words here.
	if [ "$option" = = ]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	elif [ "$current" = = ]; then
		current=''
	fi
	words=$(_weir_values "$command" "$option")
	if [ -n "$words" ] || [[ $option == --* && $'\n'$(_weir_options "$command") == *$'\n'"$option="* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
		[ -n "$words" ] || compopt -o default
		return 0
	fi
	words=$(_weir_options "$command")
	case $command in
	'' | help) words+=" $(_weir_commands)" ;;
	trace) words+=' connect' ;;
	log) words+=" packets on $(ls /sys/class/net 2>/dev/null)" ;;
	guard) words+=' nice self list' ;;
	bytecode) words+=' EN10MB RAW' ;;
	list | disasm | exec | remove) words+=" $(_weir_policies)" ;;
	set)
		case ${#plain[@]} in
		0) words+=' add del list flush' ;;
		1) words+=" $(_weir_policies)" ;;
		2) words+=" $(_weir_sets "${plain[1]}")" ;;
		esac
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
	[ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default
	[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace
	return 0
}

complete -F _weir weir
