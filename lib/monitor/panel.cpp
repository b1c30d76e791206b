// SPDX-License-Identifier: MIT
// Which kernel files tell how a device is doing, in a table; the documents are named in it.
#include "monitor/panel.h"

#include "base/cpulist.h"
#include "base/text.h"
#include "os/file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>

namespace hwa::monitor {

using base::Status;
using core::MemoryRole;

namespace {

/// Whose memory the device must work in for a row to hold.
enum class Memory { Any, Own, Host };

/// One file below a device's folder in sysfs. "*" stands for the first name there is that begins
/// and ends so. Of several rows for one quantity, the first whose file is there counts.
struct Row {
    const char *drivers; ///< "a,b"; "": any
    Memory memory;
    Quantity quantity;
    Form form;
    const char *path;
};

} // namespace

static constexpr Row rows[] = {
    // Documentation/gpu/amdgpu/driver-misc.rst and thermal.rst
    {"amdgpu,hydcu", Memory::Any, Quantity::Utilization, Form::Percent, "gpu_busy_percent"},
    {"amdgpu,hydcu", Memory::Own, Quantity::Used, Form::Bytes, "mem_info_vram_used"},
    {"amdgpu,hydcu", Memory::Own, Quantity::Total, Form::Bytes, "mem_info_vram_total"},
    {"amdgpu,hydcu", Memory::Host, Quantity::Used, Form::Bytes, "mem_info_gtt_used"},
    {"amdgpu,hydcu", Memory::Host, Quantity::Total, Form::Bytes, "mem_info_gtt_total"},
    {"amdgpu,hydcu", Memory::Any, Quantity::Clock, Form::Hertz, "hwmon/hwmon*/freq1_input"},
    {"amdgpu,hydcu", Memory::Any, Quantity::Clock, Form::DpmLines, "pp_dpm_sclk"},
    // drivers/gpu/drm/i915/gt/intel_gt_sysfs_pm.c: the share of time that the engines had power
    {"i915", Memory::Any, Quantity::Utilization, Form::IdleMillis,
     "drm/card*/gt/gt0/rc6_residency_ms"},
    {"i915", Memory::Any, Quantity::Clock, Form::Megahertz, "drm/card*/gt_act_freq_mhz"},
    // drivers/gpu/drm/xe/xe_gt_idle.c and xe_gt_freq.c
    {"xe", Memory::Any, Quantity::Utilization, Form::IdleMillis,
     "tile0/gt0/gtidle/idle_residency_ms"},
    {"xe", Memory::Any, Quantity::Clock, Form::Megahertz, "tile0/gt0/freq0/act_freq"},
    // drivers/accel/ivpu/ivpu_sysfs.c
    {"intel_vpu", Memory::Any, Quantity::Utilization, Form::BusyMicros, "npu_busy_time_us"},
    {"intel_vpu", Memory::Any, Quantity::Used, Form::Bytes, "npu_memory_utilization"},
    {"intel_vpu", Memory::Any, Quantity::Clock, Form::Megahertz, "npu_current_frequency_mhz"},
    // Documentation/ABI/testing/sysfs-driver-habanalabs
    {"habanalabs", Memory::Any, Quantity::Clock, Form::Megahertz, "clk_cur_freq_mhz"},
    {"habanalabs", Memory::Any, Quantity::Clock, Form::Megahertz,
     "habanalabs/hl*/clk_cur_freq_mhz"},
    // tenstorrent/tt-kmd docs/sysfs-attributes.md
    {"tenstorrent", Memory::Any, Quantity::Clock, Form::Megahertz,
     "tenstorrent/tenstorrent*/tt_aiclk"},
    // drivers/staging/gasket/apex_driver.c
    {"apex", Memory::Any, Quantity::Temperature, Form::MilliCelsius, "apex/apex_*/temp"},
    // Documentation/ABI/testing/sysfs-class-devfreq
    {"", Memory::Any, Quantity::Clock, Form::Hertz, "devfreq/*/cur_freq"},
    // Documentation/ABI/testing/sysfs-class-hwmon. Some drivers leave the first sensor out.
    {"", Memory::Any, Quantity::Temperature, Form::MilliCelsius, "hwmon/hwmon*/temp1_input"},
    {"", Memory::Any, Quantity::Temperature, Form::MilliCelsius, "hwmon/hwmon*/temp2_input"},
    {"", Memory::Any, Quantity::Power, Form::MicroWatts, "hwmon/hwmon*/power1_average"},
    {"", Memory::Any, Quantity::Power, Form::MicroWatts, "hwmon/hwmon*/power1_input"},
    {"", Memory::Any, Quantity::Power, Form::MicroJoules, "hwmon/hwmon*/energy1_input"},
    {"", Memory::Any, Quantity::Power, Form::MicroJoules, "hwmon/hwmon*/energy2_input"},
};

/// Reading the clock of a processor interrupts it, so that of a few stands for all.
static constexpr uint32_t clocks_read = 8;

/// The folder of the device in sysfs; "" if its id names none.
static std::string folder_of(const core::Device &device) {
    static constexpr struct {
        const char *prefix, *folder;
    } buses[] = {{"pci-", "/sys/bus/pci/devices/"},
                 {"usb-", "/sys/bus/usb/devices/"},
                 {"platform-", "/sys/bus/platform/devices/"}};
    for (const auto &bus : buses)
        if (const std::string_view prefix = bus.prefix; device.id.starts_with(prefix))
            return bus.folder + device.id.substr(prefix.size());
    return {};
}

/// What a file says, without what surrounds it; "" if it is not there.
static std::string word(const std::string &path) {
    std::array<char, 64> room;
    const auto gauge = os::Gauge::open(path);
    const auto text = gauge ? gauge->read(room) : base::Result<std::string_view>(gauge.error());
    return std::string(text ? base::trim(*text) : std::string_view());
}

static std::vector<std::string> names_in(const std::string &folder) {
    constexpr size_t most_names = 4096;
    auto names = os::list_folder(folder, most_names);
    return names ? std::move(*names) : std::vector<std::string>();
}

/// The path with each "*" filled in; "" if nothing there fits.
static std::string resolve(const std::string &folder, std::string_view path) {
    std::string done = folder;
    for (const std::string_view part : base::split(path, '/')) {
        const size_t star = part.find('*');
        if (star == part.npos) {
            done.append("/").append(part);
            continue;
        }
        const auto names = names_in(done);
        const auto fits = std::find_if(names.begin(), names.end(), [&](const std::string &name) {
            return name.starts_with(part.substr(0, star)) && name.ends_with(part.substr(star + 1));
        });
        if (fits == names.end())
            return {};
        done.append("/").append(*fits);
    }
    return done;
}

static bool in_host_memory(const core::Device &device) {
    return !device.memories.empty() && (device.memories[0].role == MemoryRole::Shared ||
                                        device.memories[0].role == MemoryRole::Unified);
}

void Panel::add(const std::string &path, Quantity quantity, Form form,
                std::vector<uint32_t> processors) {
    auto dial = Dial::open(path, quantity, form, std::move(processors));
    if (dial)
        dials_.push_back(std::move(*dial));
}

void Panel::add_files(const std::string &folder, const core::Device &device) {
    const std::string &told = device.driver.value;
    const std::string driver = told.substr(0, told.find(' '));
    const Memory memory = in_host_memory(device) ? Memory::Host : Memory::Own;
    for (const Row &row : rows) {
        const bool known = std::any_of(dials_.begin(), dials_.end(), [&](const Dial &dial) {
            return dial.quantity() == row.quantity;
        });
        if (known || (row.memory != Memory::Any && row.memory != memory) ||
            (*row.drivers != '\0' && !base::list_holds(row.drivers, driver)))
            continue;
        if (const std::string path = resolve(folder, row.path); !path.empty())
            add(path, row.quantity, row.form);
    }
}

/// The only processor has all memory, whose kernel knows best what is free; of several, each has
/// that of its nodes.
void Panel::add_host_memory(const std::string &root, const core::Device &device, bool alone) {
    const core::Attr *nodes = device.find_attr("numa.nodes");
    const auto near = base::parse_cpulist(nodes != nullptr && !alone ? nodes->s : "");
    for (const uint32_t node : near.value_or(std::vector<uint32_t>())) {
        const std::string path =
            root + "/sys/devices/system/node/node" + std::to_string(node) + "/meminfo";
        add(path, Quantity::Free, Form::NodeFree);
        add(path, Quantity::Total, Form::NodeTotal);
    }
    if (alone) {
        add(root + "/proc/meminfo", Quantity::Free, Form::HostFree);
        add(root + "/proc/meminfo", Quantity::Total, Form::HostTotal);
    }
}

/// Documentation/hwmon/coretemp.rst and k10temp.rst; Arm's boards call their zone cpu_thermal.
void Panel::add_heat(const std::string &root, const std::string &package, bool alone) {
    static constexpr const char *chips[] = {"coretemp", "k10temp", "zenpower", "cpu_thermal"};
    const std::string own =
        resolve(root, "sys/devices/platform/coretemp." + package + "/hwmon/hwmon*/temp1_input");
    if (!own.empty() || !alone)
        return add(own, Quantity::Temperature, Form::MilliCelsius);
    const std::string folder = root + "/sys/class/hwmon/";
    for (const std::string &name : names_in(folder)) {
        const std::string chip = word(folder + name + "/name");
        if (std::find(std::begin(chips), std::end(chips), chip) != std::end(chips))
            return add(folder + name + "/temp1_input", Quantity::Temperature, Form::MilliCelsius);
    }
}

/// Documentation/power/powercap/powercap.rst; since Linux 5.10 for root alone.
void Panel::add_power(const std::string &root, const std::string &package) {
    const std::string folder = root + "/sys/class/powercap/";
    for (const std::string &name : names_in(folder))
        if (name.starts_with("intel-rapl:") &&
            word(folder + name + "/name") == "package-" + package)
            return add(folder + name + "/energy_uj", Quantity::Power, Form::MicroJoules);
}

void Panel::add_processor(const std::string &root, const core::Device &device, bool alone) {
    const core::Attr *list = device.find_attr("cpu.list");
    const auto told = base::parse_cpulist(list != nullptr ? list->s : "");
    const auto processors = told.value_or(std::vector<uint32_t>());
    const std::string package = device.id.substr(device.id.find('-') + 1);
    if (alone || !processors.empty())
        add(root + "/proc/stat", Quantity::Utilization, Form::ProcessorTimes,
            alone ? std::vector<uint32_t>() : processors);
    add_host_memory(root, device, alone);
    for (size_t i = 0; i < std::min<size_t>(processors.size(), clocks_read); ++i)
        add(root + "/sys/devices/system/cpu/cpu" + std::to_string(processors[i]) +
                "/cpufreq/scaling_cur_freq",
            Quantity::Clock, Form::Kilohertz);
    add_heat(root, package, alone);
    add_power(root, package);
}

/// True if the machine has no other processor.
static bool is_alone(const core::System &system) {
    return std::count_if(system.devices.begin(), system.devices.end(), [](const auto &device) {
               return device.kind == core::Kind::Cpu && (device.flags & core::DeviceSoftware) == 0;
           }) == 1;
}

Panel Panel::open(const std::string &root, const core::System &system, const core::Device &device) {
    Panel panel;
    if (!device.memories.empty()) {
        panel.memory_bytes_ = device.memories[0].size_bytes.value;
        panel.usable_bytes_ = device.memories[0].usable_bytes;
    }
    if (device.kind == core::Kind::Cpu && device.id.starts_with("cpu-")) {
        panel.add_processor(root, device, is_alone(system));
        return panel;
    }
    const std::string folder = folder_of(device);
    if (folder.empty() || !device.parent.empty())
        return panel;
    if (auto power = os::Gauge::open(root + folder + "/power/runtime_status"); power)
        panel.power_ = std::move(*power);
    panel.add_files(root + folder, device);
    if (in_host_memory(device)) {
        auto dial = Dial::open(root + "/proc/meminfo", Quantity::Free, Form::HostFree);
        if (dial)
            panel.host_free_ = std::move(*dial);
    }
    return panel;
}

bool Panel::asleep() const {
    std::array<char, 32> room;
    const auto text =
        power_ ? power_->read(room) : base::Result<std::string_view>(std::string_view());
    return text && (base::trim(*text) == "suspended" || base::trim(*text) == "suspending");
}

namespace {

/// Where the dials' values go, before they are brought together.
class Tally {
  public:
    explicit Tally(Reading &reading) : reading_(reading) {}

    void take(Quantity quantity, double value) {
        switch (quantity) {
        case Quantity::Utilization:
            return highest(reading_.utilization, value);
        case Quantity::Temperature:
            return highest(reading_.temperature_c, value);
        case Quantity::Power:
            return highest(reading_.power_w, value);
        case Quantity::Used:
            return sum(reading_.memory_used_bytes, value);
        case Quantity::Free:
            return sum(reading_.memory_free_bytes, value);
        case Quantity::Total:
            return sum(reading_.memory_total_bytes, value);
        case Quantity::Clock:
            if (value >= 0 && (reading_.clock_hz == unknown_count ||
                               static_cast<double>(reading_.clock_hz) < value))
                reading_.clock_hz = static_cast<uint64_t>(value);
            return;
        }
    }

  private:
    static void highest(float &into, double value) {
        if (std::isnan(into) || into < static_cast<float>(value))
            into = static_cast<float>(value);
    }
    /// Memory of several nodes.
    static void sum(uint64_t &into, double value) {
        if (value >= 0 && value < 1e18)
            into = (into == unknown_count ? 0 : into) + static_cast<uint64_t>(value);
    }

    Reading &reading_;
};

} // namespace

/// What is left unsaid follows from the rest; no more is free than the host has left and than this
/// process may use.
void Panel::settle_memory(Reading &reading) const {
    uint64_t &used = reading.memory_used_bytes, &free = reading.memory_free_bytes,
             &total = reading.memory_total_bytes;
    if (total == unknown_count && memory_bytes_ != 0)
        total = memory_bytes_;
    if (used != unknown_count && total != unknown_count && used <= total)
        free = std::min(free, total - used);
    if (used == unknown_count && !host_free_ && free != unknown_count && free <= total &&
        total != unknown_count)
        used = total - free;
    if (free == unknown_count)
        return;
    free = std::min(free, total);
    if (usable_bytes_ != 0)
        free = std::min(free, usable_bytes_);
}

void Panel::read(uint64_t now_ns, Reading &reading) {
    reading = Reading{};
    reading.time_ns = now_ns;
    if (asleep()) {
        for (Dial &dial : dials_)
            dial.restart();
        reading.asleep = true;
        reading.status = Status::Unavailable;
        reading.message = "it is asleep, and to read more would wake it";
        return;
    }
    Tally tally(reading);
    std::optional<base::Error> fault;
    bool any = false;
    for (Dial &dial : dials_) {
        const auto value = dial.read(now_ns);
        any = any || value;
        if (!value)
            fault = value.error();
        else if (*value)
            tally.take(dial.quantity(), **value);
    }
    if (host_free_)
        if (const auto value = host_free_->read(now_ns); value && *value)
            tally.take(Quantity::Free, **value);
    settle_memory(reading);
    if (!any && fault) {
        reading.status =
            fault->code == ENODEV || fault->code == ENXIO ? Status::Lost : fault->status;
        reading.message = "its kernel files can no longer be read: " + fault->message;
    }
}

} // namespace hwa::monitor
