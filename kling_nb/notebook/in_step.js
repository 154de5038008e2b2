// Keeps the videos of one gallery in step. Has no view of its own: the gallery is plain HTML that plays without this,
// and whichever video a person starts, stops or moves, by its own controls or by the bar above them, the others follow.

const TOGETHER = 0.015 // seconds apart that nobody sees
const LOST = 0.3 // seconds apart from which on a jump is better than catching up
const CATCH_UP = 2 // share of the distance by which to go faster, a second
const FASTEST = 0.15 // change of speed at most
const PATIENCE = 5000 // milliseconds for one that does not load
const BEAT = 50 // milliseconds between two looks

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`

// Resolves when a video has its picture at the place it was sent to, or will not get there.
function arrived(video) {
  const there = () => video.error || (!video.seeking && video.readyState >= 3)
  return new Promise((done) => {
    const until = Date.now() + PATIENCE
    const check = () => (there() || Date.now() > until ? done() : setTimeout(check, 10))
    check()
  })
}

class InStep {
  constructor(group) {
    this.group = group
    this.playing = false // what the person wants
    this.moving = false // we are just bringing all to one place
    this.turn = 0 // how often we brought them somewhere
    this.sent = new WeakMap() // where we sent each video last
    this.listeners = ["play", "pause", "seeking", "ended"].map((name) => {
      const heard = (event) => this.belongs(event.target) && this[name](event.target)
      document.addEventListener(name, heard, true) // media events do not bubble, but can be captured on the way
      return () => document.removeEventListener(name, heard, true)
    })
    this.found = new MutationObserver(() => this.settle())
    this.found.observe(document.body, { childList: true, subtree: true })
    this.beat = setInterval(() => this.look(), BEAT)
    this.settle()
  }

  end() {
    this.listeners.forEach((remove) => remove())
    this.found.disconnect()
    clearInterval(this.beat)
    this.bars().forEach((bar) => bar.remove())
  }

  grids() { return [...document.getElementsByClassName(this.group)] }
  bars() { return this.grids().flatMap((grid) => [...grid.querySelectorAll(":scope > .kling-nb-all")]) }
  belongs(video) { return video instanceof HTMLVideoElement && video.closest(`.${this.group}`) !== null }

  videos() {
    const all = this.grids().flatMap((grid) => [...grid.querySelectorAll("video")])
    return all.filter((video) => !video.error && video.readyState > 0)
  }

  longest(videos) { return videos.reduce((one, other) => (other.duration > one.duration ? other : one)) }

  // -- what a person does -------------------------------------------------------------------------------------

  play(video) {
    if (!this.playing) this.start(video.currentTime, video)
  }

  pause(video) {
    if (this.playing && !this.moving && video.paused && !video.ended) this.stop()
  }

  seeking(video) {
    const ours = Math.abs((this.sent.get(video) ?? -1) - video.currentTime) < 0.001
    if (!ours) this.move(video.currentTime, video)
  }

  ended(video) {
    if (this.playing && video === this.longest(this.videos())) this.move(0)
  }

  // -- what all do --------------------------------------------------------------------------------------------

  start(time, leader) {
    this.playing = true
    const others = leader === undefined ? [] : this.videos().filter((video) => video !== leader)
    others.forEach((video) => (video.muted = true)) // one sound at a time
    return this.move(time, leader)
  }

  stop() {
    this.playing = false
    const videos = this.videos()
    if (videos.length) this.move(this.longest(videos).currentTime)
  }

  // Bring all to one place, wait until each has its picture there, and go on from it together.
  async move(time, leader) {
    const turn = ++this.turn
    this.moving = true
    const videos = this.videos()
    videos.forEach((video) => video.pause())
    videos.forEach((video) => this.place(video, video === leader ? video.currentTime : Math.min(time, video.duration)))
    await Promise.all(videos.map(arrived))
    if (turn !== this.turn) return // a later move took over
    this.moving = false
    if (this.playing) {
      const going = videos.filter((video) => time < video.duration)
      going.forEach((video) => video.play().catch(() => {})) // refused or interrupted: the person sees it stand
    }
    this.draw()
  }

  place(video, time) {
    if (video.currentTime === time) return
    video.currentTime = time
    this.sent.set(video, video.currentTime)
  }

  // A little faster or slower, until all show the same moment.
  look() {
    const videos = this.videos()
    if (!videos.length) return
    const leader = this.longest(videos)
    if (this.playing && !this.moving) {
      for (const video of videos) {
        if (video === leader || video.ended || leader.currentTime >= video.duration - 0.1) continue
        const behind = leader.currentTime - video.currentTime
        if (Math.abs(behind) > LOST) {
          this.place(video, leader.currentTime)
          if (video.paused) video.play().catch(() => {})
        } else {
          const change = Math.abs(behind) < TOGETHER ? 0 : Math.max(-FASTEST, Math.min(FASTEST, behind * CATCH_UP))
          if (video.playbackRate !== leader.playbackRate + change) video.playbackRate = leader.playbackRate + change
        }
      }
    }
    this.draw()
  }

  // -- the bar ------------------------------------------------------------------------------------------------

  // Jupyter may draw an output again at any time; then the bar is put back.
  settle() {
    for (const grid of this.grids()) {
      grid.querySelectorAll("video[loop]").forEach((video) => (video.loop = false)) // all begin again together
      if (grid.querySelectorAll("video").length > 1 && !grid.querySelector(":scope > .kling-nb-all")) grid.prepend(this.bar())
    }
  }

  bar() {
    const bar = document.createElement("div")
    bar.className = "kling-nb-all"
    bar.setAttribute("role", "group")
    bar.setAttribute("aria-label", "All videos in step")
    bar.style.cssText = "grid-column:1/-1;display:flex;align-items:center;gap:12px;width:100%;" +
      "font-family:var(--jp-ui-font-family,inherit);font-size:var(--jp-ui-font-size1,13px)"
    const button = document.createElement("button")
    button.type = "button"
    button.className = "jupyter-button jupyter-widgets"
    button.style.cssText = "width:6em;flex:none"
    button.onclick = () => {
      const videos = this.videos()
      if (this.playing) this.stop()
      else if (videos.length) {
        const leader = this.longest(videos)
        this.start(leader.ended ? 0 : leader.currentTime)
      }
    }
    const slider = document.createElement("input")
    slider.type = "range"
    slider.min = 0
    slider.step = 0.01
    slider.setAttribute("aria-label", "Position of all videos")
    slider.style.cssText = "flex:1;min-width:80px;accent-color:var(--jp-brand-color1,#1976d2)"
    slider.oninput = () => this.move(Number(slider.value))
    const time = document.createElement("span")
    time.style.cssText = "font-variant-numeric:tabular-nums;flex:none"
    bar.append(button, slider, time)
    return bar
  }

  draw() {
    const videos = this.videos()
    if (!videos.length) return
    const leader = this.longest(videos)
    for (const bar of this.bars()) {
      const [button, slider, time] = bar.children
      const said = this.playing ? "Pause all" : "Play all"
      if (button.textContent !== said) button.textContent = said
      slider.max = leader.duration
      if (!this.moving) slider.value = leader.currentTime
      slider.setAttribute("aria-valuetext", `${clock(leader.currentTime)} of ${clock(leader.duration)}`)
      const at = `${clock(leader.currentTime)} / ${clock(leader.duration)}`
      if (time.textContent !== at) time.textContent = at
    }
  }
}

export default {
  initialize({ model }) {
    const all = new InStep(model.get("group"))
    return () => all.end()
  },
}
