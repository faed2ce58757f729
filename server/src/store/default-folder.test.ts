import { describe, expect, it } from 'vitest';
import { defaultFolder, type Surroundings } from './default-folder.js';

const linux: Surroundings = { platform: 'linux', environment: {}, home: '/home/ada' };
const windows: Surroundings = { platform: 'win32', environment: {}, home: 'C:\\Users\\ada' };

describe('the folder for results', () => {
  it.each<[string, Surroundings, string | undefined]>([
    ['Linux', linux, '/home/ada/.cache/onnx-precision'],
    ['XDG', { ...linux, environment: { XDG_CACHE_HOME: '/big/cache' } }, '/big/cache/onnx-precision'],
    ['an empty XDG', { ...linux, environment: { XDG_CACHE_HOME: '' } }, '/home/ada/.cache/onnx-precision'],
    [
      'a relative XDG',
      { ...linux, environment: { XDG_CACHE_HOME: 'cache' } },
      '/home/ada/.cache/onnx-precision',
    ],
    [
      'XDG without a home',
      { ...linux, environment: { XDG_CACHE_HOME: '/c' }, home: undefined },
      '/c/onnx-precision',
    ],
    ['no home', { ...linux, home: undefined }, undefined],
    [
      'macOS',
      { platform: 'darwin', environment: { XDG_CACHE_HOME: '/c' }, home: '/Users/ada' },
      '/Users/ada/Library/Caches/onnx-precision',
    ],
    [
      'Windows',
      { ...windows, environment: { LOCALAPPDATA: 'D:\\Local' } },
      'D:\\Local\\onnx-precision\\Cache',
    ],
    ['Windows without it', windows, 'C:\\Users\\ada\\AppData\\Local\\onnx-precision\\Cache'],
  ])('on %s', (_, surroundings, folder) => {
    expect(defaultFolder(surroundings)).toBe(folder);
  });
});
