# Debug probes and boards: their bulk or interrupt endpoints as they are, but
# no way into the firmware. An interface of DFU may be read, never written.

profile probe-no-dfu extends base {
  for { ff:*:* fe:01:* }
  on setup {
    deny request { dfu-dnload dfu-detach } log alert "dfu"
    allow request { dfu-getstatus dfu-getstate dfu-clrstatus dfu-abort }
  }
  on dfu {
    deny request { detach dnload upload } log alert "dfu"
    allow request { getstatus getstate clrstatus abort }
  }
  on out {
    allow xfer { bulk interrupt }
  }
  on in {
    allow xfer { bulk interrupt }
  }
}
