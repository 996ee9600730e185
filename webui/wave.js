// A take as a picture: its wave, below it its spectrum over time, and its sentences where they sound.
const WIDE = 480, HIGH = 64, SIZE = 256; // columns, rows of the spectrum, samples of a window

function spectrum(samples) { // levels in dB of one window, by a fast Fourier transform (Cooley and Tukey, radix 2)
  const re = new Float32Array(SIZE), im = new Float32Array(SIZE);
  for (let n = 0; n < SIZE; n += 1) {
    let to = 0;
    for (let bit = 1, back = SIZE >> 1; bit < SIZE; bit <<= 1, back >>= 1) if (n & bit) to |= back;
    re[to] = (samples[n] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * n) / SIZE));
  }
  for (let half = 1; half < SIZE; half *= 2) {
    for (let start = 0; start < SIZE; start += 2 * half) {
      for (let k = 0; k < half; k += 1) {
        const turn = (-Math.PI * k) / half, a = start + k, b = a + half;
        const x = re[b] * Math.cos(turn) - im[b] * Math.sin(turn), y = re[b] * Math.sin(turn) + im[b] * Math.cos(turn);
        [re[b], im[b], re[a], im[a]] = [re[a] - x, im[a] - y, re[a] + x, im[a] + y];
      }
    }
  }
  return (bin) => 10 * Math.log10(re[bin] ** 2 + im[bin] ** 2 + 1e-9);
}

function painted(sound) {
  const canvas = make('canvas', 'wave');
  Object.assign(canvas, { width: WIDE, height: 2 * HIGH });
  const samples = sound.getChannelData(0), step = samples.length / WIDE;
  const draw = canvas.getContext('2d'), style = getComputedStyle(element);
  const loudest = samples.reduce((most, each) => Math.max(most, Math.abs(each)), 0.01);
  const top = Math.max(1, Math.round((8000 * SIZE) / sound.sampleRate)); // the bin of 8 kHz
  draw.fillStyle = style.getPropertyValue('--primary-500');
  for (let x = 0; x < WIDE; x += 1) {
    let peak = 0;
    for (let n = Math.floor(x * step); n < (x + 1) * step; n += 1) peak = Math.max(peak, Math.abs(samples[n]));
    const tall = Math.max(1, (peak / loudest) * (HIGH - 6));
    draw.globalAlpha = 1;
    draw.fillRect(x, (HIGH - tall) / 2, 1, tall);
    const level = spectrum(samples.subarray(Math.floor(x * step)));
    for (let y = 0; y < HIGH; y += 1) {
      draw.globalAlpha = Math.min(1, Math.max(0, (level(Math.round((y / HIGH) * Math.min(top, SIZE / 2 - 1))) + 45) / 70));
      draw.fillRect(x, 2 * HIGH - y - 1, 1, 1);
    }
  }
  return canvas;
}

async function picture(take, place) { // into `place`; a press in it plays from there
  const answer = await fetch(own(`takes/${take.id}/hear.wav`));
  if (!answer.ok || !place.isConnected) return;
  const sound = await new OfflineAudioContext(1, 1, 32000).decodeAudioData(await answer.arrayBuffer());
  const canvas = painted(sound);
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', SAY['take.picture']);
  canvas.addEventListener('click', (event) => play(take, (event.offsetX / canvas.clientWidth) * take.seconds));
  const words = make('div', 'wave-words');
  words.setAttribute('aria-hidden', 'true'); // the list below says the same
  for (const line of take.lines) {
    const part = make('span', 'take-line', line.text);
    Object.assign(part.dataset, { from: line.from, to: line.to });
    Object.assign(part.style, { left: `${(100 * line.from) / take.seconds}%`, width: `${(100 * (line.to - line.from)) / take.seconds}%` });
    words.append(part);
  }
  place.replaceChildren(canvas, words);
}

async function share(take) {
  const answer = await fetch(own(`takes/${take.id}/take.mp3`));
  if (!answer.ok) { say((await answer.json()).problem); return; }
  const file = new File([await answer.blob()], `${titled(take).replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 40)}.mp3`, { type: 'audio/mpeg' });
  await navigator.share({ files: [file], title: titled(take) }).catch(() => {}); // who leaves the dialogue says no
}
const shares = () => navigator.canShare?.({ files: [new File([''], 'a.mp3', { type: 'audio/mpeg' })] }) ?? false;
