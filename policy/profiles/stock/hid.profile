# Keyboards, mice and what else people move and press.

# A keyboard of a person: it is armed by digits that are shown on the
# workstation, types no faster than people do, and has no chord that opens a
# console or runs a program.
profile keyboard extends base {
  for { 03:01:01 03:00:00 }
  arm by challenge 4 within 60s
  meter fast 25/s burst 12
  on setup {
    allow request { hid-get-report hid-set-report } kind { input output } wlength <= 8
    allow request { hid-get-descriptor hid-set-idle hid-get-idle
        hid-set-protocol hid-get-protocol }
  }
  on hid {
    quarantine kind input over fast log alert "injection-rate" capture 64
    drop chord { GUI+R GUI+X Ctrl+Alt+Delete Ctrl+Alt+F1..F12 Alt+SysRq+* } log "chord"
    drop key { Power Sleep Execute }
    allow kind input key { 0x04..0x65 0xe0..0xe7 }
    allow kind output len 1
  }
}

# A scanner of bar codes that types what it reads: printable keys and Enter in
# bursts, no chord but Shift, no key that moves or edits.
profile scanner extends base {
  for { 03:01:01 03:00:00 }
  meter fast 2000/s burst 512
  on setup {
    allow request { hid-get-report hid-set-report } kind { input output } wlength <= 8
    allow request { hid-get-descriptor hid-set-idle hid-get-idle
        hid-set-protocol hid-get-protocol }
  }
  on hid {
    quarantine kind input over fast log alert "injection-rate" capture 64
    drop chord { Ctrl+* Alt+* GUI+* } log alert "chord" capture 64
    # a to z, digits, Enter, Tab, Space, punctuation; the keypad; Shift
    allow kind input key { 0x04..0x28 0x2b..0x38 0x54..0x63 0xe1 0xe5 }
    allow kind output len 1
  }
}

# A mouse: buttons and movement. It has no keys; a report with one is refused.
profile mouse extends base {
  for { 03:01:02 03:00:00 }
  on setup {
    allow request hid-get-report kind input
    allow request { hid-get-descriptor hid-set-idle hid-get-idle
        hid-set-protocol hid-get-protocol }
  }
  on hid {
    # the keyboard page, and System and Consumer controls
    deny usage { 0x00070000..0x0007ffff 0x00010080..0x000100bf 0x000c0000..0x000cffff } log alert "mouse-types" capture 64
    allow kind input
  }
}
