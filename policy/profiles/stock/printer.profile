# Printers: jobs, but no administration by PJL, no file system, no firmware.

profile printer extends base {
  for { 07:01:* }
  on setup {
    allow request { printer-get-device-id printer-get-port-status
        printer-soft-reset }
  }
  on print {
    eject pjl upgrade log alert "printer-firmware" capture 16
    deny pjl { default initialize dmcmd execute fsappend fsdelete fsdirlist
        fsdownload fsinit fsmkdir fsquery fsupload rdymsg opmsg stmsg } log alert "pjl-administration"
    allow pjl { comment echo enter eoj info inquire dinquire job nop reset set
        ustatus ustatusoff prodinfo }
    deny pjl other log "pjl-unknown"
    allow lang { pjl pcl postscript pdf escpos zpl }
  }
}
