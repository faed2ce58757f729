/**
 * How to get a target that a machine lacks: by target and platform, as the package onnxruntime-node 1.30 documents which binaries it
 * brings. Knows texts; what a machine has, it does not.
 */
import type { Provider } from '../../runtime/index.js';

interface Ways {
  /** Platforms, as `process.platform-process.arch`, on which the package offers it. */
  readonly platforms: readonly string[];
  /** What the platform has to bring. */
  readonly needs: string;
}

const WINDOWS = ['win32-x64', 'win32-arm64'];
const MACS = ['darwin-arm64'];
const LINUX = 'linux-x64';

const WAYS: Readonly<Record<Provider, Ways>> = {
  cpu: { platforms: [...WINDOWS, ...MACS, LINUX, 'linux-arm64'], needs: '' },
  webgpu: {
    platforms: [...WINDOWS, ...MACS, LINUX],
    needs: 'a graphics device with a driver for Direct3D 12, Metal or Vulkan',
  },
  cuda: { platforms: [LINUX], needs: 'an NVIDIA device with its driver, CUDA 12 and cuDNN 9' },
  tensorrt: {
    platforms: [LINUX],
    needs: 'an NVIDIA device with its driver, CUDA 12, cuDNN 9 and TensorRT 10',
  },
  dml: {
    platforms: WINDOWS,
    needs: 'a graphics device with a driver for DirectX 12, and Windows 10 1903 or newer',
  },
  coreml: { platforms: MACS, needs: 'macOS 12 or newer, for ML programs with FP16' },
};

/** What brings what it takes on Linux, where it is looked for, and how to see whether it is there. */
const LOADED = 'The loader looks for them in LD_LIBRARY_PATH, too; `nvidia-smi` shows device and driver.';
const OF_NVIDIA: Readonly<Partial<Record<Provider, string>>> = {
  cuda: ` NVIDIA's packages cuda-libraries-12-9 and libcudnn9-cuda-12 bring them. ${LOADED}`,
  tensorrt: ` NVIDIA's packages cuda-libraries-12-9, libcudnn9-cuda-12, libnvinfer10, libnvinfer-plugin10 and libnvonnxparsers10 bring them. ${LOADED}`,
};

/** What `process.platform-process.arch` is called. */
const PLATFORM_NAMES: Readonly<Record<string, string>> = {
  'win32-x64': 'Windows on x64',
  'win32-arm64': 'Windows on Arm',
  'darwin-arm64': 'macOS on Apple silicon',
  'linux-x64': 'Linux on x64',
  'linux-arm64': 'Linux on Arm',
};

/** On other machines it can still be planned for. */
const ELSEWHERE =
  'A plan can still be made for it: `accumulate` says how it adds up, and `latency from` takes a profile from a machine that has it.';

/** Why the package has no such provider on `platform`, and what to do. */
export function wayToProvider(name: Provider, platform: string): string {
  const { platforms } = WAYS[name];
  const where = platforms.map((one) => PLATFORM_NAMES[one] ?? one).join(', ');
  if (name === 'cpu') return `The package onnxruntime-node has binaries for ${where}.`;
  if (platforms.includes(platform)) {
    return `The package onnxruntime-node has it from version 1.30 on; the one that is installed is older or was built without it.`;
  }
  const instead =
    name === 'dml' || name === 'coreml' ? ' `webgpu` runs on the same devices, on any system.' : '';
  return `The package onnxruntime-node has it on ${where}, not here.${instead} ${ELSEWHERE}`;
}

/** What to do where the provider is there and finds nothing to run on, or its libraries are missing. */
export function wayToDevice(name: Provider, platform: string, reason: string): string {
  if (reason.includes('is not installed')) {
    // Run by itself: whether npm runs install scripts is a matter of settings.
    return (
      'Where npm installed the package, its install script fetches the libraries, which wants the network: ' +
      '`node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12`. In the VS Code extension, which has no ' +
      'such script, put the libraries `runtimes/linux-x64/native/libonnxruntime_providers_*.so` of the NuGet package ' +
      'Microsoft.ML.OnnxRuntime.Gpu.Linux, of the same version, into that folder. ' +
      `It needs ${WAYS[name].needs}.${OF_NVIDIA[name] ?? ''}`
    );
  }
  if (name === 'cpu') return wayToProvider(name, platform);
  const hints: Readonly<Partial<Record<Provider, string>>> = {
    webgpu: platform.startsWith('linux')
      ? " Vulkan's loader is libvulkan1; without a graphics card Mesa's software driver serves: mesa-vulkan-drivers, version 25 or newer. In a container NVIDIA's driver brings Vulkan with NVIDIA_DRIVER_CAPABILITIES=all. VK_DRIVER_FILES names the description of a driver that the loader does not find (`/…/nvidia_icd.json`), which wants libx11-6 and libxext6."
      : platform.startsWith('win32')
        ? ' The driver of the manufacturer has it; the basic display driver of Windows does not.'
        : '',
    ...OF_NVIDIA,
    coreml: ' `{ coreMlFlags: 16 }` asks for an ML program.',
  };
  return `It needs ${WAYS[name].needs}.${hints[name] ?? ''}`;
}
