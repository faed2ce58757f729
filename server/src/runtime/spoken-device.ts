/**
 * On which graphics device sessions on WebGPU compute. ONNX Runtime does not tell it; Vulkan's loader does, where it is asked to say
 * which drivers it loads: one line for each device that is made. Knows such lines; no process. Metal and Direct3D say nothing.
 */

export interface GraphicsDevice {
  /** As its driver calls it: `NVIDIA H200`, `llvmpipe (LLVM 15.0.6, 256 bits)`. */
  readonly name: string;
  /** The driver's library. */
  readonly driver: string;
  /** Known to compute on the processor: there is no graphics card behind it. */
  readonly isSoftware: boolean;
}

/** What the loader is asked to say, and by which variable. */
const LOADER_VARIABLE = 'VK_LOADER_DEBUG';
const WANTED = 'driver';

/** Drivers that compute on the processor, by library or by what they call themselves: Mesa's lavapipe, SwiftShader. */
const SOFTWARE_LIBRARY = /vulkan_lvp|swiftshader/i;
const SOFTWARE_NAME = /^(?:llvmpipe|lavapipe|swiftshader)\b/i;

/** Variables of a process whose loader says which device it makes, beside what the user asks it to say. */
export function speakingLoader(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const asked = environment[LOADER_VARIABLE];
  return { [LOADER_VARIABLE]: asked === undefined || asked === '' ? WANTED : `${asked},${WANTED}` };
}

/** The device that a line tells of; undefined for any other line. */
export function spokenDevice(line: string): GraphicsDevice | undefined {
  const [, name, driver] = /\bUsing "(.+)" with driver: "(.+)"\s*$/u.exec(line) ?? [];
  if (name === undefined || driver === undefined) return undefined;
  const library = driver.split(/[\\/]/u).at(-1) ?? driver;
  return { name, driver, isSoftware: SOFTWARE_LIBRARY.test(library) || SOFTWARE_NAME.test(name) };
}

/** Whether a line stands there only because the loader was asked for it: nobody wants to read it. */
export function isLoaderLine(line: string): boolean {
  return /^(?:\[Vulkan Loader\] )?(?:[A-Z]+ \| )*DRIVER(?: \| [A-Z]+)*:/u.test(line);
}

/** A device in a sentence. */
export function deviceWords({ name, isSoftware }: Pick<GraphicsDevice, 'name' | 'isSoftware'>): string {
  return isSoftware ? `${name}, software (no graphics card)` : name;
}
