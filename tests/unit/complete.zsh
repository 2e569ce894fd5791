# complete.zsh DIR RESULT LINE... - what zsh completes behind each LINE, with the
# functions of DIR beside its own, into RESULT: "LINE<tab>WORD". It completes in a
# line editor alone, and that needs a terminal: the inner zsh has a pty.
if [[ $1 != --inside ]]; then
	zmodload zsh/zpty || exit 77
	zpty inner zsh -f -i
	zpty -w inner "source ${(q)0} --inside ${(j: :)${(@q)@}}"
	while zpty -r inner rest; do
	done
	zpty -d inner
	exit 0
fi
shift
fpath=($1 $fpath)
result=$2
shift 2
lines=("$@")
: >$result
autoload -Uz compinit
compinit -u -D
# What is added as matches; with -O, -A or -D it is only asked what would be.
compadd()
{
	local -a hits

	if [[ -z ${(M)@[1,(i)(-|--)]:#-[a-zA-Z]#[OAD]} ]]; then
		builtin compadd -A hits "$@"
		(( $#hits )) && print -rl -- $now$'\t'$^hits >>$result
	fi
	builtin compadd "$@"
}
quietly()
{
	compstate[insert]= compstate[list]=
}
everything()
{
	zle -D zle-line-init
	for now in $lines; do
		comppostfuncs=(quietly)
		BUFFER=$now CURSOR=$#now
		zle complete-word
	done
	BUFFER=exit
	zle accept-line
}
zle -N zle-line-init everything
