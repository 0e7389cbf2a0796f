// ns-3's lr-wpan under the load of `cargo xtask bench mesh`: N nodes on a grid of 30 m around a sink, each handing over a
// packet of 50 octets every 10 s on average, acknowledged, 250 kb/s, for so many simulated seconds. Prints one JSON line.
//
//   lrwpan NODES SECONDS sink   every packet straight to the sink, in reach or not
//   lrwpan NODES SECONDS tree   from node to node, each to the neighbour within 60 m that is nearest to the sink
//
// Timed is Simulator::Run alone, in processor time.
#include "ns3/core-module.h"
#include "ns3/lr-wpan-module.h"
#include "ns3/mobility-module.h"
#include "ns3/network-module.h"
#include "ns3/propagation-module.h"
#include "ns3/spectrum-module.h"

#include <cmath>
#include <ctime>
#include <iostream>
#include <vector>

using namespace ns3;
using namespace ns3::lrwpan;

namespace
{
const double PITCH_M = 30.0, REACH_M = 60.0;
const uint32_t PAYLOAD = 50;

std::vector<Ptr<LrWpanNetDevice>> devices;
std::vector<uint32_t> parents;
uint64_t offered = 0, delivered = 0, hops = 0, unsent = 0;

Mac16Address
Short(uint32_t node)
{
    uint8_t octets[2] = {uint8_t((node + 1) >> 8), uint8_t(node + 1)};
    Mac16Address address;
    address.CopyFrom(octets);
    return address;
}

void
Hand(uint32_t node, Ptr<Packet> packet)
{
    McpsDataRequestParams request;
    request.m_dstPanId = 1;
    request.m_dstAddr = Short(parents[node]);
    request.m_txOptions = TX_OPTION_ACK;
    devices[node]->GetMac()->McpsDataRequest(request, packet);
}

void
Came(uint32_t node, McpsDataIndicationParams, Ptr<Packet> packet)
{
    hops++;
    if (node == 0)
    {
        delivered++;
    }
    else
    {
        Hand(node, packet->Copy());
    }
}

void
Ended(McpsDataConfirmParams confirm)
{
    unsent += confirm.m_status != MacStatus::SUCCESS;
}

void
Speak(uint32_t node, Ptr<ExponentialRandomVariable> gap)
{
    offered++;
    Hand(node, Create<Packet>(PAYLOAD));
    Simulator::Schedule(Seconds(gap->GetValue()), &Speak, node, gap);
}
} // namespace

int
main(int argc, char** argv)
{
    const uint32_t nodes = argc > 1 ? std::stoul(argv[1]) : 200;
    const double seconds = argc > 2 ? std::stod(argv[2]) : 60.0;
    const bool tree = argc > 3 && std::string(argv[3]) == "tree";

    // The sink in the middle of a square grid.
    const uint32_t width = std::ceil(std::sqrt(nodes));
    const uint32_t middle = nodes / width / 2 * width + width / 2;
    std::vector<Vector> places;
    for (uint32_t node = 0; node < nodes; node++)
    {
        const uint32_t at = (node + middle) % nodes;
        places.emplace_back(at % width * PITCH_M, at / width * PITCH_M, 0.0);
    }
    parents.assign(nodes, 0);
    for (uint32_t node = 1; tree && node < nodes; node++)
    {
        double nearest = CalculateDistance(places[node], places[0]);
        parents[node] = node;
        for (uint32_t other = 0; other < nodes; other++)
        {
            const double left = CalculateDistance(places[other], places[0]);
            if (left < nearest && CalculateDistance(places[other], places[node]) <= REACH_M)
            {
                nearest = left;
                parents[node] = other;
            }
        }
    }

    Ptr<SingleModelSpectrumChannel> channel = CreateObject<SingleModelSpectrumChannel>();
    Ptr<LogDistancePropagationLossModel> loss = CreateObject<LogDistancePropagationLossModel>();
    channel->AddPropagationLossModel(loss);
    channel->SetPropagationDelayModel(CreateObject<ConstantSpeedPropagationDelayModel>());
    for (uint32_t node = 0; node < nodes; node++)
    {
        Ptr<Node> own = CreateObject<Node>();
        Ptr<LrWpanNetDevice> device = CreateObject<LrWpanNetDevice>();
        device->SetChannel(channel);
        own->AddDevice(device);
        device->GetMac()->SetPanId(1);
        device->SetAddress(Short(node));
        Ptr<ConstantPositionMobilityModel> place = CreateObject<ConstantPositionMobilityModel>();
        place->SetPosition(places[node]);
        device->GetPhy()->SetMobility(place);
        device->GetMac()->SetMcpsDataConfirmCallback(MakeCallback(&Ended));
        device->GetMac()->SetMcpsDataIndicationCallback(MakeBoundCallback(&Came, node));
        devices.push_back(device);
    }
    for (uint32_t node = 1; node < nodes; node++)
    {
        Ptr<ExponentialRandomVariable> gap = CreateObject<ExponentialRandomVariable>();
        gap->SetAttribute("Mean", DoubleValue(10.0));
        Simulator::Schedule(Seconds(gap->GetValue()), &Speak, node, gap);
    }
    Simulator::Stop(Seconds(seconds));
    const std::clock_t start = std::clock();
    Simulator::Run();
    const double cpu_s = double(std::clock() - start) / CLOCKS_PER_SEC;
    std::cout << "{\"nodes\":" << nodes << ",\"simulated_s\":" << seconds << ",\"cpu_s\":" << cpu_s
              << ",\"events\":" << Simulator::GetEventCount() << ",\"offered\":" << offered
              << ",\"delivered\":" << delivered << ",\"hops\":" << hops << ",\"unsent\":" << unsent << "}" << std::endl;
    Simulator::Destroy();
    return 0;
}
