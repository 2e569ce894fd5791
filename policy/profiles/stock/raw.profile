# A frame for vendors' devices. By itself it allows nothing but enumeration; name
# the endpoints and requests that the device needs in a profile of your own:
#
#   profile dongle extends raw {
#     for { ff:00:00 }
#     on setup { allow type vendor request 0x01 wlength <= 16 }
#     on out { allow ep 0x02 xfer bulk len <= 512 }
#     on in { allow ep 0x81 xfer bulk len <= 512 }
#   }

profile raw extends base {
  cap transfer 64KiB
  on out {
    deny log "raw-out"
  }
  on in {
    deny log "raw-in"
  }
}
