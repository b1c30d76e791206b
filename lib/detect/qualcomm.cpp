// SPDX-License-Identifier: MIT
// Qualcomm's Cloud AI cards by Linux Documentation/accel/qaic, and of its chips Adreno graphics and
// the compute DSP of the Hexagon family, by what the device tree calls them (Linux Documentation/
// devicetree/bindings/display/msm/gpu.yaml and bindings/remoteproc/qcom,*-pas.yaml). Generations of
// Hexagon are those of Qualcomm's AI Engine Direct SDK, "Supported Snapdragon devices".
#include "detect/families.h"

#include "base/text.h"
#include "detect/soc.h"

namespace hwa::detect {

using core::Device;
using core::Kind;
using core::Source;

// All cards with the chip have its one id, whatever their number of cores and memory.
static constexpr Chip chips[] = {
    {0x17cb, 0xa080, 0xa080, Kind::Asic, "Qualcomm Cloud AI 80", "aic080"},
    {0x17cb, 0xa100, 0xa100, Kind::Asic, "Qualcomm Cloud AI 100", "aic100"},
};

constexpr Family qualcomm_family = {"qaic", chips};

static constexpr Engine dsps[] = {
    {"qcom,sa8775p-cdsp0-pas", Kind::Npu, "Qualcomm Hexagon CDSP0", ""},
    {"qcom,sa8775p-cdsp1-pas", Kind::Npu, "Qualcomm Hexagon CDSP1", ""},
    {"qcom,sc7280-cdsp-pas", Kind::Npu, "Qualcomm Hexagon CDSP", "hexagon-v68"},
    {"qcom,sc8280xp-nsp0-pas", Kind::Npu, "Qualcomm Hexagon NSP0", "hexagon-v68"},
    {"qcom,sc8280xp-nsp1-pas", Kind::Npu, "Qualcomm Hexagon NSP1", "hexagon-v68"},
    {"qcom,sdm845-cdsp-pas", Kind::Npu, "Qualcomm Hexagon CDSP", ""},
    {"qcom,sm8150-cdsp-pas", Kind::Npu, "Qualcomm Hexagon CDSP", ""},
    {"qcom,sm8250-cdsp-pas", Kind::Npu, "Qualcomm Hexagon CDSP", "hexagon-v66"},
    {"qcom,sm8350-cdsp-pas", Kind::Npu, "Qualcomm Hexagon CDSP", "hexagon-v68"},
    {"qcom,sm8450-cdsp-pas", Kind::Npu, "Qualcomm Hexagon CDSP", "hexagon-v69"},
    {"qcom,sm8550-cdsp-pas", Kind::Npu, "Qualcomm Hexagon CDSP", "hexagon-v73"},
    {"qcom,sm8650-cdsp-pas", Kind::Npu, "Qualcomm Hexagon CDSP", "hexagon-v75"},
    {"qcom,sm8750-cdsp-pas", Kind::Npu, "Qualcomm Hexagon CDSP", "hexagon-v79"},
    {"qcom,x1e80100-cdsp-pas", Kind::Npu, "Qualcomm Hexagon CDSP", "hexagon-v73"},
};

// Newer device trees have the number that the chip has for itself in place of that of the product.
static constexpr Engine graphics[] = {
    {"qcom,adreno-43050a01", Kind::Gpu, "Qualcomm Adreno 740", ""},
    {"qcom,adreno-43050c01", Kind::Gpu, "Qualcomm Adreno X1-85", ""},
    {"qcom,adreno-43051401", Kind::Gpu, "Qualcomm Adreno 750", ""},
    {"qcom,adreno", Kind::Gpu, "Qualcomm Adreno", ""},
};

static constexpr Engine android_graphics[] = {
    {"qcom,kgsl-3d0", Kind::Gpu, "Qualcomm Adreno", ""},
};

/// The nodes of fastrpc are called after the domain, by the misc device that drivers/misc/fastrpc.c
/// registers; "-secure" ones take signed code alone.
static std::string dsp_node(const SocSubject &subject) {
    const std::string_view name = subject.engine.compatible;
    const bool second = name.find("cdsp1") != name.npos || name.find("nsp1") != name.npos;
    const std::string node = second ? "/dev/fastrpc-cdsp1" : "/dev/fastrpc-cdsp";
    for (const std::string &each : {node, node + "-secure"})
        if (subject.host.exists(each))
            return each;
    return "";
}

/// The driver msm has one card for display and graphics, whose device is that of the display
/// controller where there is one.
static std::string msm_node(const SocSubject &subject) {
    const auto names = subject.host.list("/sys/class/drm", 256);
    if (!names)
        return "";
    for (const std::string &name : *names) {
        if (!name.starts_with("renderD"))
            continue;
        const auto target = subject.host.read_link("/sys/class/drm/" + name + "/device/driver");
        const std::string driver = target ? target->substr(target->rfind('/') + 1) : "";
        if (driver.starts_with("msm") || driver == "adreno")
            return "/dev/dri/" + base::sanitise(name, 32);
    }
    return "";
}

/// "qcom,adreno-660.1" is the first revision of an Adreno 660.
static void name_adreno(const SocSubject &subject, Device &device) {
    constexpr std::string_view prefix = "qcom,adreno-";
    const std::string_view most = subject.device.compatible[0];
    const size_t dot = most.find('.');
    if (!most.starts_with(prefix) || dot == most.npos)
        return;
    const std::string_view number = most.substr(prefix.size(), dot - prefix.size());
    if (base::parse_u64(number))
        device.name = {"Qualcomm Adreno " + std::string(number), Source::Table};
}

static std::string kgsl_node(const SocSubject &) {
    return "/dev/kgsl-3d0";
}

/// Android's driver tells the product: "Adreno740v2".
static void describe_kgsl(const SocSubject &subject, Device &device) {
    constexpr std::string_view prefix = "Adreno";
    const auto text = subject.host.read_file("/sys/class/kgsl/kgsl-3d0/gpu_model", 64);
    const std::string_view model = text ? base::trim(*text) : std::string_view();
    const std::string_view number = model.substr(0, model.find('v'));
    if (model.starts_with(prefix) && base::parse_u64(number.substr(prefix.size())))
        device.name = {"Qualcomm Adreno " + std::string(number.substr(prefix.size())),
                       Source::Kernel};
}

static constexpr SocFamily dsp_family = {"qualcomm", "qcom_q6v5_pas and fastrpc", dsps, dsp_node};
static constexpr SocFamily msm_family = {"qualcomm", "msm", graphics, msm_node, name_adreno};
static constexpr SocFamily kgsl_family = {"qualcomm", "kgsl", android_graphics, kgsl_node,
                                          describe_kgsl};

base::Done find_qualcomm(const Machine &machine, core::System &system) {
    find_soc(machine, "qualcomm", dsp_family, system);
    find_soc(machine, "qualcomm", msm_family, system);
    find_soc(machine, "qualcomm", kgsl_family, system);
    return {};
}

} // namespace hwa::detect
