# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Completion of weir's commands, options, policies and sets for bash.

_weir_policies() {
	weir list -j 2>/dev/null | sed -n 's/^      "name": "\([^"]*\)",$/\1/p'
}

_weir_sets() {
	weir list -j "$1" 2>/dev/null | sed -n '/^      "sets"/,/^      \]/s/^          "name": "\([^"]*\)",$/\1/p'
}

_weir() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' index=1 words=''
	local -a plain=()

	COMPREPLY=()
	while [ "$index" -lt "$COMP_CWORD" ]; do
		case ${COMP_WORDS[index]} in
		--pins | --name | --chain | --hook | --ipset | --verdict | --from | --count | --seconds | --probe | --export | --import | --rate | --filter | --mode | --netns | --on | --program | --section | --type | --set | --cgroup-mode | --parent | --classid | --action | --pid | --pin | --level | -n | -c | -s | -e) index=$((index + 1)) ;;
		-*) ;;
		*) [ -z "$command" ] && command=${COMP_WORDS[index]} || plain+=("${COMP_WORDS[index]}") ;;
		esac
		index=$((index + 1))
	done
	case $previous in
	--probe)
		mapfile -t COMPREPLY < <(compgen -W 'fentry kprobe tracepoint' -- "$current")
		return
		;;
	--mode)
		mapfile -t COMPREPLY < <(compgen -W 'auto native generic socket' -- "$current")
		return
		;;
	--pins)
		compopt -o dirnames
		return
		;;
	-e | --emit)
		mapfile -t COMPREPLY < <(compgen -W 'ast rules tree code' -- "$current")
		return
		;;
	-f | --from)
		mapfile -t COMPREPLY < <(compgen -W 'iptables-save ip6tables-save nft classbench' -- "$current")
		return
		;;
	=)
		[ "${COMP_WORDS[COMP_CWORD - 2]}" = --from ] && mapfile -t COMPREPLY < <(compgen -W 'iptables-save ip6tables-save nft classbench' -- "$current")
		[ "${COMP_WORDS[COMP_CWORD - 2]}" = --form ] && mapfile -t COMPREPLY < <(compgen -W 'fits code data tables' -- "$current")
		[ "${COMP_WORDS[COMP_CWORD - 2]}" = --emit ] && mapfile -t COMPREPLY < <(compgen -W 'ast rules tree code' -- "$current")
		return
		;;
	esac
	case $command in
	'') words='check apply list set events trace why remove import exec log guard selftest types load new bytecode disasm --pins --version --help' ;;
	check) words='--emit= --form= --name --help' ;;
	apply) words='--form= --name --reset --tune --pins --help' ;;
	list) words="--verbose --json --pins --help $(_weir_policies)" ;;
	events) words='--json --count --seconds --pins --help' ;;
	trace) words='connect --json --ends --count --seconds --probe --help' ;;
	log) words="packets on --json --filter --rate --mode --netns --count --seconds --help $(ls /sys/class/net 2>/dev/null)" ;;
	guard) words='nice self list --off --json --count --seconds --pins --help' ;;
	selftest) words='--json --help' ;;
	types) words='--btf= --help' ;;
	new) words='--type= --help' ;;
	load) words='--on= --program= --section= --type= --set= --mode= --cgroup-mode= --netns= --parent= --classid= --action= --pid= --pin= --verifier-log --level= --rate= --json --count --seconds --help' ;;
	disasm) words="--jit --opcodes --json --pins --help $(_weir_policies)" ;;
	bytecode) words='EN10MB RAW --asm --bytecode= --step --list --json --help' ;;
	why) words='--step --chain --name --verbose --json --help' ;;
	import) words='--from= --hook --chain --ipset --verdict --partial --help' ;;
	exec) words="--export --import --pins --help $(_weir_policies)" ;;
	remove) words="--all --pins --help $(_weir_policies)" ;;
	set)
		case ${#plain[@]} in
		0) words='add del list flush --json --pins --help' ;;
		1) words=$(_weir_policies) ;;
		2) words=$(_weir_sets "${plain[1]}") ;;
		esac
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
	case $command in
	check | apply | why | import | bytecode | exec | load) [ ${#COMPREPLY[@]} -gt 0 ] || compopt -o default ;;
	esac
	[[ ${COMPREPLY[0]:-} == *= ]] && compopt -o nospace
	return 0
}

complete -F _weir weir
