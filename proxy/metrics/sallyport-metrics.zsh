#compdef sallyport-metrics
# Zsh completion for sallyport-metrics(8).

_arguments \
    '(-s --socket)'{-s,--socket}'[control socket of the gateway]:socket:_files' \
    '(-l --listen)'{-l,--listen}'[where]:address:(127.0.0.1\:3243 \[\:\:1\]\:3243)' \
    '(-u --user)'{-u,--user}'[become that user once it listens]:user:_users' \
    '--once[print the metrics and exit]' \
    '(- *)'{-h,--help}'[explain]' \
    '(- *)--version[which it is]'
