"""Sound for the simulator: soundscapes that belong to a prompt, buzzing speech paced by its text, reading and writing.

A sound is a block of 16-bit stereo samples, whatever it came from. Nothing here means to sound natural; it means to be
heard, to differ between prompts and voices, and to last exactly as long as it should.
"""

from __future__ import annotations

import io
import re
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from kling_nb.simulator.scene import chance

__all__ = [
    "RATE",
    "Mix",
    "Part",
    "Sound",
    "audio_frame",
    "read_sound",
    "sound_effect",
    "soundscape",
    "speech",
    "write_mp3",
]

RATE = 44_100  # samples a second
MP3_RATE = 128_000  # bits a second

Sound = NDArray[np.int16]  # samples x 2
Wave = NDArray[np.float32]

# Formants of five vowels in Hz (Peterson and Barney, 1952, men, rounded); any other letter takes one of them in turn.
_VOWELS = {"a": (730, 1090), "e": (530, 1840), "i": (270, 2290), "o": (570, 840), "u": (300, 870)}
_SYLLABLE = 0.19  # seconds; with the pauses about four syllables a second, a calm reader
_PAUSES = {
    **dict.fromkeys(",、，", 0.18),
    **dict.fromkeys(";:；：", 0.22),
    **dict.fromkeys(".!?。！？", 0.38),
}  # seconds
_SPOKEN = re.compile(
    r"[b-df-hj-np-tv-xz]*[aeiouy]+(?:[b-df-hj-np-tv-xz]+\b)?"  # a syllable of Latin letters
    r"|[b-df-hj-np-tv-xz]+|[^\W_]|[,、，;:；：.!?。！？]|\s+",  # letters without a vowel, any other sign, a pause
    re.IGNORECASE,
)


def soundscape(prompt: str, seconds: float, seed: int = 0) -> Sound:
    """A bed of noise that swells, and bells over it: both from the prompt's hash."""
    dice = chance("sound", prompt, seed)
    count = round(seconds * RATE)
    time = np.arange(count, dtype=np.float32) / RATE
    centre, octaves = 2 ** dice.uniform(7, 11.5), dice.uniform(0.35, 1.1)
    sound = np.stack([_band(dice, count, centre, octaves), _band(dice, count, centre, octaves)], axis=1)
    swell = 0.55 + 0.45 * np.sin(2 * np.pi * dice.uniform(0.15, 2.5) * time + dice.uniform(0, 6))
    sound *= np.float32(dice.uniform(0.05, 0.16)) * swell[:, None]

    scale = dice.uniform(160, 520) * 2 ** (np.array([0, 2, 4, 7, 9, 12]) / 12)  # a pentatonic scale never sounds wrong
    at, beat = 0.0, dice.uniform(0.14, 0.6)
    decay, overtone = dice.uniform(2, 9), dice.choice([2.0, 2.76, 3.0, 5.4])  # 2.76 and 5.4: a bar's, as of a marimba
    while at < seconds:
        start = round(at * RATE)
        ring = time[: min(count - start, round(4 / decay * RATE))]
        pitch = dice.choice(scale)
        tone = np.sin(2 * np.pi * pitch * ring) + 0.35 * np.sin(2 * np.pi * pitch * overtone * ring)
        tone *= np.exp(-decay * ring) * np.clip(ring * 200, 0, 1) * dice.uniform(0.06, 0.2)
        side = dice.uniform(0.25, 0.75)
        sound[start : start + ring.size] += tone[:, None] * np.array([1 - side, side], np.float32)
        at += beat * dice.choice([1, 1, 2, 3])
    sound *= np.clip(np.minimum(time, seconds - time) * 30, 0, 1)[:, None]  # no click at either end
    return _samples(sound / max(0.25, np.abs(sound).max(initial=0)) * 0.7)


def sound_effect(folder: Path, prompt: str, seconds: float, *, stem: str, seed: int = 0) -> tuple[Path, Path]:
    """The sound that belongs to a prompt, as ``<stem>.mp3`` and ``<stem>.wav``."""
    sound = soundscape(prompt, seconds, seed)
    mp3, wav = folder / f"{stem}.mp3", folder / f"{stem}.wav"
    write_mp3(mp3, sound)
    with wave.open(str(wav), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.tobytes())
    return mp3, wav


def speech(path: Path, text: str, *, voice: str, speed: float = 1.0) -> float:
    """Buzzing syllables, one for each that the text has, as an MP3; returns its length in seconds."""
    dice = chance("voice", voice)
    pitch, throat = dice.uniform(90, 230), dice.uniform(0.9, 1.2)
    pieces = [np.zeros(round(0.08 * RATE), np.float32)]
    for number, spoken in enumerate(_SPOKEN.findall(text)):
        pause = _PAUSES.get(spoken, 0.05 if spoken.isspace() else None)
        if pause is None:
            pieces.append(_syllable(dice, spoken.lower(), number, pitch, throat, _SYLLABLE / speed))
        else:
            pieces.append(np.zeros(round(pause / speed * RATE), np.float32))
    pieces.append(np.zeros(round(0.12 * RATE), np.float32))
    mono = np.concatenate(pieces)
    write_mp3(path, _samples(np.stack([mono, mono], axis=1)))
    return mono.size / RATE


def _syllable(dice: np.random.Generator, spoken: str, number: int, pitch: float, throat: float, seconds: float) -> Wave:
    """A vowel (a pulse train through two formants), after a hiss where a consonant leads it."""
    count = round(seconds * dice.uniform(0.85, 1.15) * RATE)
    share = np.linspace(0, 1, count, dtype=np.float32)
    melody = pitch * (1 + 0.10 * np.sin(number * 0.9)) * (1.04 - 0.08 * share)
    phase = np.cumsum(melody / RATE, dtype=np.float64).astype(np.float32) * np.float32(2 * np.pi)
    vowel = next((mark for mark in reversed(spoken) if mark in _VOWELS), "aeiou"[ord(spoken[-1]) % 5])
    sound = np.zeros(count, np.float32)
    for harmonic in range(1, int(3600 / pitch)):
        heard = sum(np.exp(-(((harmonic * pitch / throat - peak) / 160) ** 2)) for peak in _VOWELS[vowel])
        sound += np.sin(harmonic * phase) * np.float32((0.03 + heard) / harmonic**0.5)
    sound *= np.clip(np.minimum(share * 8, (1 - share) * 5), 0, 1) * np.float32(0.22)
    if spoken[0] not in "aeiouy" and spoken[0].isascii():
        hiss = min(count, round(0.035 * RATE))
        sound[:hiss] += dice.normal(0, 0.06, hiss).astype(np.float32) * np.hanning(hiss).astype(np.float32)
    return sound


def _band(dice: np.random.Generator, count: int, centre: float, octaves: float) -> Wave:
    """Noise around one frequency in Hz, of loudness 1."""
    spectrum = np.fft.rfft(dice.standard_normal(count, dtype=np.float32))
    octave = np.log2(np.maximum(np.fft.rfftfreq(count, 1 / RATE), 1) / centre)
    noise = np.fft.irfft(spectrum * np.exp(-((octave / octaves) ** 2)), count).astype(np.float32)
    return noise / np.float32(max(1e-9, noise.std()))


def _samples(sound: NDArray[np.floating]) -> Sound:
    scaled: Sound = np.clip(sound * 32767, -32768, 32767).astype(np.int16)
    return scaled


def write_mp3(path: Path, sound: Sound) -> None:
    """Write a sound as an MP3."""
    with av.open(str(path), "w", format="mp3") as file:
        stream = file.add_stream("libmp3lame", rate=RATE, layout="stereo")
        stream.bit_rate = MP3_RATE
        for start in range(0, len(sound), RATE):
            file.mux(stream.encode(audio_frame(sound[start : start + RATE], start)))
        file.mux(stream.encode(None))


def audio_frame(sound: Sound, start: int) -> av.AudioFrame:
    """A piece of sound for an encoder; it begins `start` samples after the beginning."""
    made = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound).reshape(1, -1), format="s16", layout="stereo")
    made.sample_rate = RATE
    made.pts = start
    return made


def read_sound(source: Path | bytes, *, start: float = 0.0, seconds: float) -> Sound:
    """At most so many seconds of the sound in a file of any kind, from `start`; empty when it has none.

    Raises
    ------
    av.FFmpegError
        When it is no audio or video file.
    """
    first, last = round(start * RATE), round((start + seconds) * RATE)
    pieces: list[Sound] = [np.zeros((0, 2), np.int16)]
    with av.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), "r") as file:
        change, read = av.AudioResampler(format="s16", layout="stereo", rate=RATE), 0
        for decoded in chain(file.decode(audio=0), [None]) if file.streams.audio else ():
            for made in change.resample(decoded):
                samples = made.to_ndarray().astype(np.int16, copy=False).reshape(-1, 2)
                pieces.append(samples[max(0, first - read) : max(0, last - read)])
                read += made.samples
            if read >= last:
                break
    return np.concatenate(pieces)


@dataclass(frozen=True, slots=True)
class Part:
    """A sound within a mix: where it begins there, in seconds, and how loud it is made."""

    sound: Sound
    at: float = 0.0
    volume: float = 1.0


class Mix:
    """Sounds laid over one another, mixed piece by piece as it is asked for, so that no long mix is ever held."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = [(part.sound, round(part.at * RATE), part.volume) for part in parts]

    def piece(self, start: int, stop: int) -> Sound:
        """The samples from start to stop; silence where no sound is."""
        mixed = np.zeros((stop - start, 2), np.float32)
        for sound, at, volume in self.parts:
            first, last = max(start, at), min(stop, at + len(sound))
            if first < last:
                mixed[first - start : last - start] += sound[first - at : last - at] * np.float32(volume)
        return np.clip(mixed, -32768, 32767).astype(np.int16)
