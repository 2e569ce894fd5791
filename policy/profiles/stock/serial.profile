# Serial ports (CDC-ACM): the usual line rates. 1200 baud, which many boards
# take as the wish to be flashed, is refused and told.

define line-rates = { 2400 4800 9600 14400 19200 28800 38400 57600 115200 230400
    460800 921600 }

profile serial extends base {
  for { 02:02:* 0a:*:* }
  on setup {
    allow request { cdc-get-line-coding cdc-set-control-line-state
        cdc-send-break }
    deny request cdc-set-line-coding baud 1200 log alert "1200-baud-touch"
    allow request cdc-set-line-coding baud $line-rates
  }
  on serial {
    deny baud 1200 log alert "1200-baud-touch"
    allow baud $line-rates
    deny baud 0..0xffffffff log "line-rate"
    allow # before a rate was set
  }
}
