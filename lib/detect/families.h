// SPDX-License-Identifier: MIT
// The families of PCI devices, one file each.
#pragma once

#include "detect/family.h"

namespace hwa::detect {

extern const Family amd_family;
extern const Family ascend_family;
extern const Family asic_family;
extern const Family axelera_family;
extern const Family bluefield_family;
extern const Family cambricon_family;
extern const Family coral_family;
extern const Family deepx_family;
extern const Family dsa_family;
extern const Family enflame_family;
extern const Family furiosa_family;
extern const Family gaudi_family;
extern const Family gna_family;
extern const Family google_tpu_family;
extern const Family graphcore_family;
extern const Family groq_family;
extern const Family hailo_family;
extern const Family hygon_family;
extern const Family ibm_spyre_family;
extern const Family iluvatar_family;
extern const Family intel_fpga_family;
extern const Family intel_gpu_family;
extern const Family intel_ipu_family;
extern const Family intel_npu_family;
extern const Family memryx_family;
extern const Family metax_family;
extern const Family mobilint_family;
extern const Family moore_threads_family;
extern const Family nec_ve_family;
extern const Family neuron_family;
extern const Family nvidia_family;
extern const Family pensando_family;
extern const Family qat_family;
extern const Family qualcomm_family;
extern const Family rebellions_family;
extern const Family tenstorrent_family;
extern const Family xdna_family;
extern const Family xeon_phi_family;
extern const Family xilinx_family;

/// What a family finds beyond single functions.
base::Done find_amd(const Machine &machine, core::System &system);
base::Done find_hygon(const Machine &machine, core::System &system);
base::Done find_xdna(const Machine &machine, core::System &system);
/// Puts in the version of the driver of Gaudi, which a file tells once for all devices.
base::Done find_gaudi_version(const Machine &machine, core::System &system);

/// Adds the tiles of Intel's graphics that have several, once those are found.
base::Done find_intel_tiles(const Machine &machine, core::System &system);
base::Done find_google_tpu(const Machine &machine, core::System &system);
base::Done find_neuron(const Machine &machine, core::System &system);
base::Done find_xilinx(const Machine &machine, core::System &system);
base::Done find_bluefield(const Machine &machine, core::System &system);

// Those of device trees and of USB.
base::Done find_apple(const Machine &machine, core::System &system);
base::Done find_arm_gpu(const Machine &machine, core::System &system);
base::Done find_coral_usb(const Machine &machine, core::System &system);
base::Done find_ethos(const Machine &machine, core::System &system);
base::Done find_mediatek(const Machine &machine, core::System &system);
base::Done find_movidius(const Machine &machine, core::System &system);
base::Done find_rockchip(const Machine &machine, core::System &system);
base::Done find_samsung(const Machine &machine, core::System &system);
base::Done find_verisilicon(const Machine &machine, core::System &system);
base::Done find_qualcomm(const Machine &machine, core::System &system);
base::Done find_fpga(const Machine &machine, core::System &system);

} // namespace hwa::detect
