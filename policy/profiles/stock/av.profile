# Sound and pictures.

# A headset: speaker and microphone, volume and mute.
profile headset extends base {
  for { 01:*:* }
  on setup {
    allow request { uac-get-cur uac-get-min uac-get-max uac-get-res
        uac-get-range uac-get-stat }
    allow request uac-set-cur # which control, is judged below
  }
  on av {
    deny stream video log "headset-video"
    allow stream { microphone speaker }
    allow control { mute volume sample-rate automatic-gain bass mid treble
        selector-unit clock terminal }
  }
}

# The same without a microphone: what it hears is replaced by silence.
profile headset-nomic extends headset {
  on av {
    drop stream microphone
  }
}

# A camera: pictures, and the controls of the standard. Extension units, where
# vendors keep their firmware, are not written to.
profile camera extends base {
  for { 0e:*:* }
  on setup {
    allow request { uvc-set-cur uvc-get-cur uvc-get-min uvc-get-max uvc-get-res
        uvc-get-len uvc-get-info uvc-get-def }
  }
  on av {
    deny control extension-unit dir out log alert "extension-unit"
    allow stream video
    allow control { probe commit still-probe still-commit still-trigger
        stream-error camera-terminal processing-unit }
  }
}
